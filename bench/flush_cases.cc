// Flushing new objects to SQLite, one file and several. SessionFlush says what
// is timed.

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_sqlite.h"
#include "shard/bench/session_flush.h"

namespace shard::bench {
namespace {

// Placement xxh3-v1 of an integer key over kShards shards, written out.
std::size_t ShardOf(std::int64_t key) {
  char encoded[9] = {1};
  std::memcpy(encoded + 1, &key, sizeof(key));
  return (XXH3_64bits(encoded, sizeof(encoded)) >> 52) * kShards / 4096;
}

// One prepared single-row INSERT for each file, row by row.
class RawFlush : public Side {
 public:
  explicit RawFlush(std::vector<std::unique_ptr<RawSqlite>> files)
      : files_(std::move(files)), rows_(MakeRows(kFlushRows)) {}

  absl::Status Run() override {
    for (const auto& file : files_) SHARD_RETURN_IF_ERROR(file->Run("BEGIN"));
    for (ItemRow& row : rows_) {
      const std::size_t at = files_.size() == 1 ? 0 : ShardOf(row.quantity);
      if (!files_[at]->Insert(row)) return files_[at]->Error();
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override {
    for (const auto& file : files_) {
      SHARD_RETURN_IF_ERROR(file->Run("ROLLBACK"));
    }
    return absl::OkStatus();
  }

 private:
  const std::vector<std::unique_ptr<RawSqlite>> files_;
  std::vector<ItemRow> rows_;
};

absl::StatusOr<std::unique_ptr<Side>> MakeRawFlush(
    const TemporaryFolder& folder, std::size_t files) {
  std::vector<std::unique_ptr<RawSqlite>> raw;
  for (std::size_t i = 0; i < files; ++i) {
    const std::string name = absl::StrCat("raw", files, "_", i, ".db");
    SHARD_ASSIGN_OR_RETURN(raw.emplace_back(),
                           RawSqlite::Make(folder.PathOf(name)));
    SHARD_RETURN_IF_ERROR(raw.back()->Prepare());
  }
  return std::make_unique<RawFlush>(std::move(raw));
}

}  // namespace

std::vector<Case> FlushCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const Case one_file{
      .name = "flush_10000/sqlite",
      .operations = kFlushRows,
      .at_most = 1.4,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto engine,
                               MakeSqlite(folder->PathOf("one.db")));
        return std::make_unique<SessionFlush>(OneDatabase(std::move(engine)));
      },
      .floor = [folder] { return MakeRawFlush(*folder, 1); }};
  const Case four_files{
      .name = "flush_10000/sqlite_4_shards",
      .operations = kFlushRows,
      .at_most = 1.5,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver,
                               HashedBy(*folder, Item::c.quantity.column()));
        return std::make_unique<SessionFlush>(std::move(resolver));
      },
      .floor = [folder] { return MakeRawFlush(*folder, kShards); }};
  return {one_file, four_files};
}

}  // namespace shard::bench
