// Bulk operations on SQLite, one file and several. SessionBulk says what is
// timed.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_bulk_sqlite.h"
#include "shard/bench/session_bulk.h"

namespace shard::bench {
namespace {

constexpr std::size_t kRows = 100'000;

class RawInsert : public Side {
 public:
  explicit RawInsert(std::unique_ptr<RawBulkSqlite> file)
      : file_(std::move(file)), rows_(MakeRows(kRows)) {}
  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(file_->Run("BEGIN"));
    return file_->Insert(rows_);
  }
  absl::Status CleanUp() override { return file_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawBulkSqlite> file_;
  const std::vector<ItemRow> rows_;
};

class RawUpdate : public Side {
 public:
  explicit RawUpdate(std::unique_ptr<RawBulkSqlite> file)
      : file_(std::move(file)) {}
  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(file_->Run("BEGIN"));
    return file_->Update(kRows, ++quantity_);
  }
  absl::Status CleanUp() override { return file_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawBulkSqlite> file_;
  std::int64_t quantity_ = 1'000'000;
};

using Folder = std::shared_ptr<TemporaryFolder>;

MakeSide RawInsertIn(const Folder& folder, const std::string& name) {
  return [folder, name]() -> absl::StatusOr<std::unique_ptr<Side>> {
    SHARD_ASSIGN_OR_RETURN(auto file, RawSqlite::Make(folder->PathOf(name)));
    SHARD_ASSIGN_OR_RETURN(auto bulk, RawBulkSqlite::Make(std::move(file)));
    return std::make_unique<RawInsert>(std::move(bulk));
  };
}

// `Ours` is made over one new file.
template <class Ours, class... Arguments>
MakeSide OneFile(const Folder& folder, const std::string& name,
                 Arguments... arguments) {
  return [=]() -> absl::StatusOr<std::unique_ptr<Side>> {
    SHARD_ASSIGN_OR_RETURN(auto engine, MakeSqlite(folder->PathOf(name)));
    return std::make_unique<Ours>(OneDatabase(std::move(engine)), kRows,
                                  arguments...);
  };
}

Case UpdateCase(const Folder& folder) {
  return {
      .name = "bulk_update/sqlite",
      .operations = kRows,
      .at_most = 1.2,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver,
                               StoredIn(folder->PathOf("update.db"), kRows));
        return std::make_unique<SessionBulkUpdate>(std::move(resolver), kRows);
      },
      .floor = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(
            auto file,
            RawSqlite::MakeStored(folder->PathOf("raw_update.db"), kRows));
        SHARD_ASSIGN_OR_RETURN(auto bulk, RawBulkSqlite::Make(std::move(file)));
        return std::make_unique<RawUpdate>(std::move(bulk));
      }};
}

}  // namespace

std::vector<Case> BulkCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  return {{.name = "bulk_insert/sqlite",
           .operations = kRows,
           .at_most = 1.15,
           .ours = OneFile<SessionBulkInsert>(folder, "structs.db", false),
           .floor = RawInsertIn(folder, "raw_structs.db")},
          {.name = "bulk_insert_mappings/sqlite",
           .operations = kRows,
           .at_most = 1.3,
           .ours = OneFile<SessionBulkMappings>(folder, "mappings.db"),
           .floor = RawInsertIn(folder, "raw_mappings.db")},
          {.name = "bulk_insert/sqlite_4_shards",
           .operations = kRows,
           .at_most = 0.75,
           .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
             SHARD_ASSIGN_OR_RETURN(
                 auto resolver, HashedBy(*folder, Item::c.quantity.column()));
             return std::make_unique<SessionBulkInsert>(std::move(resolver),
                                                        kRows, false);
           },
           .floor = OneFile<SessionBulkInsert>(folder, "one.db", false)},
          UpdateCase(folder)};
}

}  // namespace shard::bench
