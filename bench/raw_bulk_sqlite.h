// SQLite by hand, many rows a statement: the floor of bulk operations.
#ifndef SHARD_BENCH_RAW_BULK_SQLITE_H_
#define SHARD_BENCH_RAW_BULK_SQLITE_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_sqlite.h"

namespace shard::bench {

// Statements of kPage rows, the best of 20 to 400 where this was measured.
class RawBulkSqlite {
 public:
  static constexpr std::size_t kPage = 100;

  static absl::StatusOr<std::unique_ptr<RawBulkSqlite>> Make(
      std::unique_ptr<RawSqlite> file) {
    std::unique_ptr<RawBulkSqlite> made(new RawBulkSqlite(std::move(file)));
    SHARD_RETURN_IF_ERROR(made->Prepare(
        "INSERT INTO bench_items(name,label,quantity,price) VALUES",
        "(?,?,?,?)", "", &made->insert_));
    SHARD_RETURN_IF_ERROR(
        made->Prepare("UPDATE bench_items SET quantity=v.column2 FROM (VALUES",
                      "(?,?)", ") AS v WHERE id=v.column1", &made->update_));
    return made;
  }
  ~RawBulkSqlite() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(update_);
  }
  RawBulkSqlite(const RawBulkSqlite&) = delete;
  RawBulkSqlite& operator=(const RawBulkSqlite&) = delete;

  absl::Status Run(const char* sql) { return file_->Run(sql); }

  // A multiple of kPage rows; their keys are not asked for.
  absl::Status Insert(const std::vector<ItemRow>& rows) {
    for (std::size_t first = 0; first < rows.size(); first += kPage) {
      int index = 0;
      for (std::size_t i = first; i < first + kPage; ++i) {
        BindText(++index, rows[i].name);
        BindText(++index, rows[i].label);
        sqlite3_bind_int64(insert_, ++index, rows[i].quantity);
        sqlite3_bind_double(insert_, ++index, rows[i].price);
      }
      SHARD_RETURN_IF_ERROR(Step(insert_));
    }
    return absl::OkStatus();
  }
  // Rows 1 to `count`, a multiple of kPage.
  absl::Status Update(std::size_t count, std::int64_t quantity) {
    for (std::size_t first = 0; first < count; first += kPage) {
      int index = 0;
      for (std::size_t i = first; i < first + kPage; ++i) {
        sqlite3_bind_int64(update_, ++index, static_cast<std::int64_t>(i + 1));
        sqlite3_bind_int64(update_, ++index, quantity);
      }
      SHARD_RETURN_IF_ERROR(Step(update_));
    }
    return absl::OkStatus();
  }

 private:
  explicit RawBulkSqlite(std::unique_ptr<RawSqlite> file)
      : file_(std::move(file)) {}

  absl::Status Prepare(std::string sql, const char* row, const char* end,
                       sqlite3_stmt** out) {
    for (std::size_t i = 0; i < kPage; ++i) {
      if (i > 0) sql += ',';
      sql += row;
    }
    sql += end;
    return sqlite3_prepare_v3(file_->handle(), sql.c_str(), -1,
                              SQLITE_PREPARE_PERSISTENT, out,
                              nullptr) == SQLITE_OK
               ? absl::OkStatus()
               : file_->Error();
  }
  void BindText(int index, const std::string& text) {
    sqlite3_bind_text(insert_, index, text.data(),
                      static_cast<int>(text.size()), SQLITE_STATIC);
  }
  absl::Status Step(sqlite3_stmt* statement) {
    const bool ok = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return ok && sqlite3_changes(file_->handle()) == static_cast<int>(kPage)
               ? absl::OkStatus()
               : file_->Error();
  }

  const std::unique_ptr<RawSqlite> file_;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* update_ = nullptr;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_RAW_BULK_SQLITE_H_
