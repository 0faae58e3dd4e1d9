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

constexpr std::size_t kShardedRows = 10'000;

// Placement xxh3-v1 of an integer key over kShards shards, written out.
std::size_t ShardOf(std::int64_t key) {
  char encoded[9] = {1};
  std::memcpy(encoded + 1, &key, sizeof(key));
  return (XXH3_64bits(encoded, sizeof(encoded)) >> 52) * kShards / 4096;
}

// One prepared single-row INSERT for each file, row by row.
class RawFlush : public Side {
 public:
  RawFlush(std::vector<std::unique_ptr<RawSqlite>> files, std::size_t rows)
      : files_(std::move(files)), rows_(MakeRows(rows)) {}

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
    const TemporaryFolder& folder, std::size_t files, std::size_t rows) {
  std::vector<std::unique_ptr<RawSqlite>> raw;
  for (std::size_t i = 0; i < files; ++i) {
    const std::string name = absl::StrCat("raw", rows, "_", files, i, ".db");
    SHARD_ASSIGN_OR_RETURN(raw.emplace_back(),
                           RawSqlite::Make(folder.PathOf(name)));
    SHARD_RETURN_IF_ERROR(raw.back()->Prepare());
  }
  return std::make_unique<RawFlush>(std::move(raw), rows);
}

absl::StatusOr<std::unique_ptr<Side>> MakeOurs(const TemporaryFolder& folder,
                                               std::size_t rows) {
  const std::string path = folder.PathOf(absl::StrCat("one", rows, ".db"));
  SHARD_ASSIGN_OR_RETURN(auto engine, MakeSqlite(path));
  return std::make_unique<SessionFlush>(OneDatabase(std::move(engine)), rows);
}

}  // namespace

std::vector<Case> FlushCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  std::vector<Case> cases;
  for (const auto& [rows, at_most] :
       {std::pair<std::size_t, double>{10'000, 1.4}, {100'000, 1.25}}) {
    cases.push_back(
        {.name = absl::StrCat("flush_", rows, "/sqlite"),
         .operations = rows,
         .at_most = at_most,
         .ours = [folder, rows = rows] { return MakeOurs(*folder, rows); },
         .floor = [folder,
                   rows = rows] { return MakeRawFlush(*folder, 1, rows); }});
  }
  cases.push_back(
      {.name = "flush_10000/sqlite_4_shards",
       .operations = kShardedRows,
       .at_most = 1.5,
       .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
         SHARD_ASSIGN_OR_RETURN(auto resolver,
                                HashedBy(*folder, Item::c.quantity.column()));
         return std::make_unique<SessionFlush>(std::move(resolver),
                                               kShardedRows);
       },
       .floor =
           [folder] { return MakeRawFlush(*folder, kShards, kShardedRows); }});
  return cases;
}

}  // namespace shard::bench
