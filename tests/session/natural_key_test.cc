// Keys that mean something: text, several columns, changed, and large values
// beside them, in all kinds of sessions.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

Bytes NoPicture() { return {}; }

template <class F>
struct StopFields {
  Field<F, std::string, "line", PrimaryKey> line;
  Field<F, std::int64_t, "number", PrimaryKey> number;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, Bytes, "picture", ClientDefault<&NoPicture>> picture;
};
struct Stop : Entity<Stop, StopFields, "stops"> {};
constexpr auto& c = Stop::c;

std::shared_ptr<Stop> MakeStop(std::string line, std::int64_t number,
                               std::string name) {
  auto stop = std::make_shared<Stop>();
  stop->line = std::move(line);
  stop->number = number;
  stop->name = std::move(name);
  return stop;
}

class NaturalKeyTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Stop>();
  }
};

TEST_P(NaturalKeyTest, ObjectsAreFoundByAllPartsOfTheirKey) {
  ShardedSession session(options());
  const auto first = MakeStop("u1", 1, "harbour");
  SHARD_ASSERT_OK(session.AddAll(std::vector<std::shared_ptr<Stop>>{
      first, MakeStop("u1", 2, "market"), MakeStop("u2", 1, "park")}));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto stop, session.Get<Stop>("u1", 1));
  EXPECT_EQ(stop, first);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto other, session.Get<Stop>("u2", 1));
  EXPECT_EQ(other->name.value(), "park");
  EXPECT_EQ(session.Get<Stop>("u2", 2).value(), nullptr);
  SHARD_ASSERT_OK(session.Delete(other));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "stops"), 2);
}

TEST_P(NaturalKeyTest, OneObjectForOneKeyInEveryRead) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeStop("u1", 1, "harbour")));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto stop, session.Get<Stop>("u1", 1));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto stops, session.Scalars(Select<Stop>()));
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops.front(), stop);
  Stop given;
  given.line = "u1";
  given.number = 1;
  given.name = "harbour east";
  EXPECT_EQ(session.Merge(given).value(), stop);
}

TEST_P(NaturalKeyTest, ChangedKeysMoveTheRowAndTheIdentity) {
  ShardedSession session(options());
  const auto stop = MakeStop("u1", 1, "harbour");
  SHARD_ASSERT_OK(session.Add(stop));
  SHARD_ASSERT_OK(session.Commit());
  stop->line = "u9";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select line from stops"), "u9");
  EXPECT_EQ(session.Get<Stop>("u9", 1).value(), stop);
  EXPECT_EQ(session.Get<Stop>("u1", 1).value(), nullptr);
  stop->number = 5;
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(stop->number.value(), 1);
  EXPECT_EQ(session.Get<Stop>("u9", 1).value(), stop);
}

TEST_P(NaturalKeyTest, KeysThatAreTakenAreRefused) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeStop("u1", 1, "harbour")));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Add(MakeStop("u1", 1, "market")));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kAlreadyExists));
  session.Rollback();
  EXPECT_EQ(ReadText(home(), "select name from stops"), "harbour");
}

TEST_P(NaturalKeyTest, TenMegabytesBesideTheKey) {
  ShardedSession session(options());
  const auto stop = MakeStop("u1", 1, std::string(10 << 20, 'x'));
  Bytes picture;
  for (int i = 0; i < 10 << 20; ++i) {
    picture.data.push_back(static_cast<char>(i * 7));
  }
  stop->picture = picture;
  SHARD_ASSERT_OK(session.Add(stop));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto rows, session.Rows(Select<Stop>().Where(c.line == "u1")));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name.size(), 10u << 20);
  EXPECT_TRUE(rows[0].picture == picture);
  EXPECT_TRUE(stop->picture.value() == picture);
}

TEST_P(NaturalKeyTest, DetachedObjectsComeBackWithTheirKey) {
  ShardedSession session(options());
  const auto stop = MakeStop("u1", 1, "harbour");
  SHARD_ASSERT_OK(session.Add(stop));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(stop->name.value(), "harbour");
  SHARD_ASSERT_OK(session.Expunge(*stop));
  EXPECT_EQ(stop->object_state(), ObjectState::kDetached);
  stop->name = "harbour west";
  ShardedSession other(options());
  SHARD_ASSERT_OK(other.Add(stop));
  SHARD_ASSERT_OK(other.Commit());
  EXPECT_EQ(ReadText(home(), "select name from stops"), "harbour west");
}

SHARD_ON_SESSIONS(NaturalKeyTest);

}  // namespace
}  // namespace shard::testing
