// What bulk operations must not be fooled by: NULLs that differ between rows,
// types with values of their own, objects that stand there twice.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/bulk_models.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {

// One of three words.
struct Grade {
  std::string word;
  bool operator==(const Grade&) const = default;
};

}  // namespace shard::testing

template <>
struct shard::CustomType<shard::testing::Grade> {
  using Stored = std::string;
  static std::string ToStored(const testing::Grade& grade) {
    return grade.word;
  }
  static absl::StatusOr<testing::Grade> FromStored(std::string stored) {
    if (stored != "good" && stored != "bad") {
      return absl::InvalidArgumentError("no grade");
    }
    return testing::Grade{std::move(stored)};
  }
  static std::string StoreNone() { return "none"; }
};

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Mappings = std::vector<sql::Parameters>;

int numbers_made = 0;
std::int64_t NextNumber() { return ++numbers_made; }

template <class F>
struct LeafFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::optional<std::string>, "note", ServerDefault<"'made'">> note;
  Field<F, std::optional<Grade>, "grade"> grade;
};
struct Leaf : Entity<Leaf, LeafFields, "leaves"> {};

template <class F>
struct CountedFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::optional<std::int64_t>, "number", ClientDefault<&NextNumber>>
      number;
};
struct Counted : Entity<Counted, CountedFields, "counted"> {};

class BulkCornerTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Leaf, Counted, Book, Mute>();
  }
  std::string Note(std::int64_t id) {
    return ReadText(home(),
                    absl::StrCat("select note from leaves where id=", id));
  }
};
SHARD_ON_SESSIONS(BulkCornerTest);

TEST_P(BulkCornerTest, ANullInTheFirstRowIsNotOneInAll) {
  const std::vector<Leaf::Row> rows = {
      {1, HomeRegion(), std::nullopt, std::nullopt},
      {2, HomeRegion(), "own", Grade{"good"}}};
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsert<Leaf>(rows));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Note(1), "made");
  EXPECT_EQ(Note(2), "own");
}

TEST_P(BulkCornerTest, DefaultsAreMadeOnceForEachRow) {
  const std::vector<Counted::Row> rows = {{1, HomeRegion(), std::nullopt},
                                          {2, HomeRegion(), 100},
                                          {3, HomeRegion(), std::nullopt}};
  numbers_made = 0;
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsert<Counted>(rows));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(numbers_made, 2);
  EXPECT_EQ(ReadNumber(home(), "select number from counted where id=1"), 1);
  EXPECT_EQ(ReadNumber(home(), "select number from counted where id=2"), 100);
  EXPECT_EQ(ReadNumber(home(), "select number from counted where id=3"), 2);
}

TEST_P(BulkCornerTest, Row41ATypeMayStoreAValueForNull) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsertMappings<Leaf>(
      Mappings{{{"id", 1}, {"region", HomeRegion()}, {"grade", sql::Value()}},
               {{"id", 2}, {"region", HomeRegion()}, {"grade", "bad"}}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select grade from leaves where id=1"), "none");
  EXPECT_EQ(ReadText(home(), "select grade from leaves where id=2"), "bad");
}

TEST_P(BulkCornerTest, WhatATypeCouldNotReadIsNotWritten) {
  ShardedSession session(options());
  log().Clear();
  EXPECT_THAT(session.BulkInsertMappings<Leaf>(Mappings{
                  {{"id", 1}, {"region", HomeRegion()}, {"grade", "purple"}}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 1"), HasSubstr("Leaf.grade"))));
  EXPECT_EQ(log().CountAll(), 0);
}

TEST_P(BulkCornerTest, AnObjectStandsThereOnce) {
  const auto book = MakeBook("a");
  ShardedSession session(options());
  const std::vector<std::shared_ptr<Book>> twice = {book, MakeBook("b"), book};
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument,
                                AllOf(HasSubstr("row 3"), HasSubstr("row 1")));
  EXPECT_THAT(session.BulkSaveObjects(twice), refused);
  EXPECT_THAT(session.BulkInsert<Book>(twice), refused);
  EXPECT_THAT(session.BulkUpsert<Book>(twice), refused);
  EXPECT_EQ(CountRows(home(), "books"), 0);
}

TEST_P(BulkCornerTest, UpsertsSetTheNullsThatAreGiven) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsertMappings<Leaf>(
      Mappings{{{"id", 1}, {"region", HomeRegion()}, {"note", "own"}}}, {},
      AtHome<Leaf>()));
  SHARD_ASSERT_OK(session.BulkUpsert<Leaf>(
      Mappings{{{"id", 1}, {"region", HomeRegion()}, {"note", sql::Value()}},
               {{"id", 2}, {"region", HomeRegion()}, {"note", sql::Value()}}},
      {}, AtHome<Leaf>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(),
                       "select count(*) from leaves where id=1 and note is "
                       "null"),
            1);
  EXPECT_EQ(Note(2), "made");
}

TEST_P(BulkCornerTest, UpsertsDoNotMoveRowsToAnotherShard) {
  if (!is_sharded()) return;
  ShardedSession session(options());
  const auto upsert = [&](const std::string& region) {
    return session.BulkUpsert<Leaf>(Mappings{{{"id", 1}, {"region", region}}},
                                    {}, AtHome<Leaf>());
  };
  SHARD_ASSERT_OK(upsert(HomeRegion()));
  EXPECT_THAT(upsert("us"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("row 1"), HasSubstr("belongs on"))));
}

TEST_P(BulkCornerTest, KeysOfUpsertsNeedReturning) {
  ShardedSession session(options());
  BulkOptions how;
  how.return_defaults = true;
  how.conflict = {&Mute::c.title.column()};
  EXPECT_THAT(session.BulkUpsert<Mute>(Mappings{{{"id", 1}, {"title", "a"}}},
                                       how, AtHome<Mute>()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("return_defaults")));
}

TEST_P(BulkCornerTest, AnErrorSaysAmongWhichRowsItIs) {
  ShardedSession session(options());
  EXPECT_THAT(session.BulkInsertMappings<Leaf>(
                  Mappings{{{"id", 1}, {"region", HomeRegion()}},
                           {{"id", 2}, {"region", HomeRegion()}},
                           {{"id", 1}, {"region", HomeRegion()}}}),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       HasSubstr("among the 3 rows from 1 to 3")));
}

}  // namespace
}  // namespace shard::testing
