// Rows that a function makes.
#include "shard/session/generator_source.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// `count` accounts, numbered from 1.
auto Accounts(std::int64_t count, std::int64_t* calls = nullptr) {
  return [=, id = std::int64_t{0}]() mutable -> std::optional<Account::Row> {
    if (calls != nullptr) ++*calls;
    if (id == count) return std::nullopt;
    Account::Row row{};
    row.id = ++id;
    row.owner = "ann";
    row.balance = 10 * id;
    return row;
  };
}

std::vector<std::int64_t> Ids(LoadSource& source) {
  std::vector<std::int64_t> ids;
  sql::ByteArena arena;
  BulkRow row;
  for (std::size_t i = 0; i < source.rows().size(); ++i) {
    SHARD_EXPECT_OK(source.rows().Read(i, &row, arena));
    ids.push_back(row.cells[0].integer());
  }
  return ids;
}

TEST(GeneratorSourceTest, ReadsBatchesToTheEnd) {
  std::int64_t calls = 0;
  GeneratorSource<Account> source(Accounts(5, &calls));
  EXPECT_EQ(source.rows().size(), 0u);
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_THAT(Ids(source), ElementsAre(1, 2));
  EXPECT_EQ(source.NameOf(1), "row 2");
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_THAT(Ids(source), ElementsAre(3, 4));
  EXPECT_EQ(source.NameOf(0), "row 3");
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_THAT(Ids(source), ElementsAre(5));
  EXPECT_EQ(source.position(), (LoadPosition{.rows = 5}));
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_EQ(source.batch_size(), 0u);
  EXPECT_THAT(source.refused(), IsEmpty());
  EXPECT_EQ(calls, 6);  // not again behind the end
}

TEST(GeneratorSourceTest, GivesAllFields) {
  GeneratorSource<Account> source(Accounts(1));
  SHARD_ASSERT_OK(source.ReadBatch(10));
  BulkRow row;
  sql::ByteArena arena;
  SHARD_ASSERT_OK(source.rows().Read(0, &row, arena));
  EXPECT_EQ(row.given, 0b1111u);
  EXPECT_EQ(row.cells[1].bytes(), "ann");
  EXPECT_TRUE(row.cells[2].is_null());
  EXPECT_EQ(row.cells[3].integer(), 10);
  EXPECT_TRUE(source.rows().is_typed());
}

TEST(GeneratorSourceTest, KeysCanBeLeftToTheDatabase) {
  GeneratorSource<Account> source(Accounts(1), {.number_keys = true});
  SHARD_ASSERT_OK(source.ReadBatch(10));
  BulkRow row;
  sql::ByteArena arena;
  SHARD_ASSERT_OK(source.rows().Read(0, &row, arena));
  EXPECT_EQ(row.given, 0b1110u);
}

TEST(GeneratorSourceTest, SeekPassesOverRows) {
  GeneratorSource<Account> source(Accounts(5000));
  SHARD_ASSERT_OK(source.ReadBatch(1));
  SHARD_ASSERT_OK(source.Seek({.rows = 3000}));
  EXPECT_EQ(source.batch_size(), 0u);
  EXPECT_EQ(source.position().rows, 3000u);
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_THAT(Ids(source), ElementsAre(3001, 3002));
  EXPECT_EQ(source.NameOf(0), "row 3001");
}

TEST(GeneratorSourceTest, SeekToTheEnd) {
  GeneratorSource<Account> source(Accounts(3));
  SHARD_ASSERT_OK(source.Seek({.rows = 3}));
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_EQ(source.batch_size(), 0u);
}

TEST(GeneratorSourceTest, SeekBackOrBehindTheEndIsRefused) {
  GeneratorSource<Account> source(Accounts(5));
  SHARD_ASSERT_OK(source.ReadBatch(2));
  EXPECT_THAT(source.Seek({.rows = 1}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("at row 2, past 1")));
  EXPECT_THAT(source.Seek({.rows = 6}),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("5 rows")));
}

TEST(GeneratorSourceTest, ErrorComesBehindTheRowsBeforeIt) {
  std::int64_t calls = 0;
  auto next = [&]() -> absl::StatusOr<std::optional<Account::Row>> {
    if (++calls == 3) return absl::UnavailableError("the sensor is gone");
    Account::Row row{};
    row.id = calls;
    return row;
  };
  GeneratorSource<Account> source(next);
  SHARD_ASSERT_OK(source.ReadBatch(10));
  EXPECT_THAT(Ids(source), ElementsAre(1, 2));
  EXPECT_EQ(source.position().rows, 2u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(source.ReadBatch(10),
                StatusIs(absl::StatusCode::kUnavailable,
                         HasSubstr("the sensor is gone")));
    EXPECT_EQ(source.batch_size(), 0u);
  }
  EXPECT_EQ(calls, 3);
}

TEST(GeneratorSourceTest, ErrorEndsSeek) {
  auto next = []() -> absl::StatusOr<std::optional<Account::Row>> {
    return absl::UnavailableError("the sensor is gone");
  };
  GeneratorSource<Account> source(next);
  EXPECT_THAT(source.Seek({.rows = 1}),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST(GeneratorSourceTest, StatusOrEndsToo) {
  auto next = [id =
                   0]() mutable -> absl::StatusOr<std::optional<Account::Row>> {
    if (id == 1) return std::nullopt;
    Account::Row row{};
    row.id = ++id;
    return row;
  };
  GeneratorSource<Account> source(next);
  SHARD_ASSERT_OK(source.ReadBatch(10));
  EXPECT_THAT(Ids(source), ElementsAre(1));
  SHARD_ASSERT_OK(source.ReadBatch(10));
  EXPECT_EQ(source.batch_size(), 0u);
}

TEST(GeneratorSourceTest, GeneratorMayBeMoveOnly) {
  auto left = std::make_unique<int>(1);
  GeneratorSource<Account> source(
      [left = std::move(left)]() -> std::optional<Account::Row> {
        if ((*left)-- == 0) return std::nullopt;
        return Account::Row{};
      });
  SHARD_ASSERT_OK(source.ReadBatch(10));
  EXPECT_EQ(source.batch_size(), 1u);
}

TEST(GeneratorSourceTest, TellsWhatItWasTold) {
  GeneratorSource<Account> source(Accounts(5), {.total_rows = 5});
  EXPECT_EQ(source.total_rows(), 5u);
  EXPECT_EQ(source.total_bytes(), std::nullopt);
  GeneratorSource<Account> other(Accounts(5), {.origin = "sensor 7"});
  EXPECT_NE(source.Fingerprint(), other.Fingerprint());
  EXPECT_THAT(other.Fingerprint(), HasSubstr("Account of sensor 7"));
}

template <class G>
concept Generates = RowGenerator<G, Account>;
static_assert(Generates<std::optional<Account::Row> (*)()>);
static_assert(!Generates<std::optional<City::Row> (*)()>);
static_assert(!Generates<Account::Row (*)()>);

}  // namespace
}  // namespace shard::testing
