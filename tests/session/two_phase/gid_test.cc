// Names of transactions and lists of participants: formats that outlive
// releases.
#include "shard/session/two_phase/gid.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/two_phase/participant_list.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

const char kIdentity[] = "00112233445566778899aabbccddeeff";
const char kTxn[] = "ffeeddccbbaa99887766554433221100";

std::string Text(const std::string& rest) {
  return "shard1/bank/" + std::string(kIdentity) + "/" + kTxn + rest;
}

TEST(GidTest, TheFormatIsFixed) {
  const Gid gid{"bank", kIdentity, kTxn, "748", 3};
  EXPECT_EQ(gid.ToString(),
            "shard1/bank/00112233445566778899aabbccddeeff/"
            "ffeeddccbbaa99887766554433221100/748/3");
  EXPECT_EQ(gid.Transaction(), Text("/748/0"));
  EXPECT_EQ(gid.DeciderNumber(), "748");
  SHARD_ASSERT_OK_AND_ASSIGN(const Gid parsed, Gid::Parse(gid.ToString()));
  EXPECT_EQ(parsed, gid);
  EXPECT_EQ(Gid::Prefix("bank"), "shard1/bank/");
}

TEST(GidTest, ADeciderWithoutNumbersHasZero) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Gid gid, Gid::Parse(Text("/0/1")));
  EXPECT_EQ(gid.DeciderNumber(), "");
  EXPECT_EQ(gid.branch, 1u);
}

TEST(GidTest, TheLongestFits) {
  const Gid gid{std::string(63, 'c'), kIdentity, kTxn, "18446744073709551615",
                4294967295};
  EXPECT_LT(gid.ToString().size(), 200u);
  SHARD_EXPECT_OK(Gid::Parse(gid.ToString()));
}

TEST(GidTest, AnythingElseIsNotOurs) {
  for (const std::string& foreign :
       {std::string(), std::string("_sa_0123"), Text(""), Text("/1"),
        Text("/1/"), Text("/1/x"), Text("/-1/1"), Text("/01/1"), Text("/1/01"),
        Text("/1/1/1"), Text("/1/4294967296"), "x" + Text("/1/1"),
        std::string("shard2") + Text("/1/1").substr(6),
        "shard1//" + std::string(kIdentity) + "/" + kTxn + "/1/1",
        "shard1/bank/" + std::string(kIdentity) + "/short/1/1",
        "shard1/bank/" + std::string(32, 'G') + "/" + kTxn + "/1/1",
        "shard1/" + std::string(130, 'c') + Text("/1/1").substr(11)}) {
    EXPECT_THAT(Gid::Parse(foreign),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("'" + foreign + "'")));
  }
}

TEST(ParticipantListTest, TheFormatIsFixed) {
  const ParticipantList list{Text("/748/0"),
                             {{"e\"u", kIdentity, Text("/748/1")}}};
  EXPECT_EQ(list.ToJson(),
            "{\"gid\":\"" + Text("/748/0") +
                "\",\"prepared\":[{\"database\":\"e\\\"u\",\"gid\":\"" +
                Text("/748/1") + "\",\"identity\":\"" + kIdentity + "\"}]}");
  SHARD_ASSERT_OK_AND_ASSIGN(const ParticipantList read,
                             ParticipantList::FromJson(list.ToJson()));
  EXPECT_EQ(read.gid, list.gid);
  EXPECT_EQ(read.prepared, list.prepared);
}

TEST(ParticipantListTest, LaterReleasesMayAddMembers) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const ParticipantList read,
      ParticipantList::FromJson(
          R"({"gid": "g", "later": 1, "prepared": [{"gid": "a", "identity":
          "b", "database": "c", "more": [2]}]})"));
  EXPECT_EQ(read.prepared.size(), 1u);
}

TEST(ParticipantListTest, WhatCannotBeReadIsAnError) {
  for (const char* text :
       {"", "{", "[]", "5", "{}", R"({"gid": "g"})",
        R"({"gid": 5, "prepared": []})", R"({"gid": "g", "prepared": 1})",
        R"({"gid": "g", "prepared": [1]})",
        R"({"gid": "g", "prepared": [{"gid": "a"}]})"}) {
    EXPECT_THAT(ParticipantList::FromJson(text),
                HasCode(absl::StatusCode::kDataLoss))
        << text;
  }
}

}  // namespace
}  // namespace shard::testing
