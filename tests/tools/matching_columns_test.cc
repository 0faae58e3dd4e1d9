// One table out of those of several shards.
#include "shard/tools/shardctl/matching_columns.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"

namespace shard::shardctl {
namespace {

using sql::ValueType;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;

ReflectedColumn Column(const std::string& name, ValueType type) {
  ReflectedColumn column;
  column.spec.name = name;
  column.spec.type = type;
  column.type = absl::StrCat("some ", std::string(sql::ValueTypeName(type)));
  return column;
}

class MatchingColumnsTest : public ::testing::Test {
 protected:
  TableOnShard& Add(bool loose, std::vector<ReflectedColumn> columns) {
    return shards_.emplace_back(TableOnShard{
        absl::StrCat("s", shards_.size()), loose, {std::move(columns)}});
  }
  absl::StatusOr<ReflectedTable> Match() {
    return MatchColumns("notes", shards_, types_);
  }
  void ExpectDifference(const std::string& one, const std::string& two) {
    EXPECT_THAT(Match(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                  AllOf(HasSubstr("table 'notes'"),
                                        HasSubstr(one), HasSubstr(two))));
  }

  std::vector<TableOnShard> shards_;
  std::vector<std::pair<std::string, ValueType>> types_;
};

TEST_F(MatchingColumnsTest, TheOrderIsThatOfTheFirst) {
  Add(false, {Column("a", ValueType::kText), Column("b", ValueType::kDate)});
  Add(false, {Column("b", ValueType::kDate), Column("a", ValueType::kText)});
  SHARD_ASSERT_OK_AND_ASSIGN(const ReflectedTable table, Match());
  ASSERT_EQ(table.columns.size(), 2u);
  EXPECT_EQ(table.columns[0].spec.name, "a");
  EXPECT_EQ(table.columns[1].spec.type, ValueType::kDate);
}

TEST_F(MatchingColumnsTest, AColumnIsMissing) {
  Add(false, {Column("a", ValueType::kText)});
  Add(false, {Column("a", ValueType::kText), Column("b", ValueType::kText)});
  ExpectDifference("column 'b' on 's1'", "not on 's0'");
  std::swap(shards_[0].table, shards_[1].table);
  ExpectDifference("column 'b' on 's0'", "not on 's1'");
}

TEST_F(MatchingColumnsTest, TypesDiffer) {
  Add(false, {Column("a", ValueType::kInt32)});
  Add(false, {Column("a", ValueType::kInt64)});
  ExpectDifference("column 'a' is some int32 on 's0'", "some int64 on 's1'");
  types_ = {{"a", ValueType::kInt64}};
  SHARD_EXPECT_OK(Match());
  types_ = {{"x", ValueType::kInt64}};
  EXPECT_THAT(Match(), StatusIs(absl::StatusCode::kInvalidArgument,
                                HasSubstr("no column 'x'")));
}

TEST_F(MatchingColumnsTest, AStricterTypeCounts) {
  Add(true, {Column("a", ValueType::kText), Column("b", ValueType::kBytes),
             Column("c", ValueType::kInt64)});
  Add(false, {Column("a", ValueType::kDate), Column("b", ValueType::kUuid),
              Column("c", ValueType::kBool)});
  Add(true, {Column("a", ValueType::kText), Column("b", ValueType::kBytes),
             Column("c", ValueType::kInt64)});
  SHARD_ASSERT_OK_AND_ASSIGN(const ReflectedTable table, Match());
  EXPECT_EQ(table.columns[0].spec.type, ValueType::kDate);
  EXPECT_EQ(table.columns[0].type, "some date");
  EXPECT_EQ(table.columns[1].spec.type, ValueType::kUuid);
  EXPECT_EQ(table.columns[2].spec.type, ValueType::kBool);
  // Strict ones must agree.
  Add(false, {Column("a", ValueType::kTimestamp), Column("b", ValueType::kUuid),
              Column("c", ValueType::kBool)});
  ExpectDifference("column 'a' is some date on 's0'", "some timestamp on 's3'");
}

TEST_F(MatchingColumnsTest, OtherDifferences) {
  Add(false, {Column("a", ValueType::kText)});
  ReflectedColumn& a =
      Add(false, {Column("a", ValueType::kText)}).table.columns[0];
  a.spec.nullable = false;
  ExpectDifference("'a' is not NOT NULL on 's0'", "is NOT NULL on 's1'");
  a.spec.primary_key = true;
  ExpectDifference("is not part of the primary key on 's0'", "on 's1'");
  a = Column("a", ValueType::kText);
  a.spec.server_default = "1";
  ExpectDifference("is not one with a default on 's0'", "on 's1'");
  a.generated = true;
  ExpectDifference("is not always made by the database on 's0'", "on 's1'");
}

}  // namespace
}  // namespace shard::shardctl
