// SQLite by hand, as fast as its C functions allow: the floor of comparisons.
#ifndef SHARD_BENCH_RAW_SQLITE_H_
#define SHARD_BENCH_RAW_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/bench/items.h"

namespace shard::bench {

// A connection set up as the library sets up its own.
class RawSqlite {
 public:
  // A new file with an empty table of items, made by the library.
  static absl::StatusOr<std::unique_ptr<RawSqlite>> Make(
      const std::string& path) {
    if (auto engine = MakeSqlite(path); !engine.ok()) return engine.status();
    std::unique_ptr<RawSqlite> raw(new RawSqlite);
    const int opened =
        sqlite3_open_v2(path.c_str(), &raw->handle_,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (opened != SQLITE_OK) return raw->Error();
    for (const char* setting :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
          "PRAGMA foreign_keys=ON"}) {
      absl::Status status = raw->Run(setting);
      if (!status.ok()) return status;
    }
    return raw;
  }
  // The same with so many rows, keys from 1 on, and Prepare done.
  static absl::StatusOr<std::unique_ptr<RawSqlite>> MakeStored(
      const std::string& path, std::size_t rows) {
    SHARD_ASSIGN_OR_RETURN(auto raw, Make(path));
    SHARD_RETURN_IF_ERROR(raw->Prepare());
    SHARD_RETURN_IF_ERROR(raw->Run("BEGIN"));
    for (ItemRow& row : MakeRows(rows)) {
      if (!raw->Insert(row)) return raw->Error();
    }
    SHARD_RETURN_IF_ERROR(raw->Run("COMMIT"));
    return raw;
  }
  ~RawSqlite() {
    for (sqlite3_stmt* statement :
         {insert_, select_, update_, select_all_, begin_, commit_}) {
      sqlite3_finalize(statement);
    }
    sqlite3_close(handle_);
  }
  RawSqlite(const RawSqlite&) = delete;
  RawSqlite& operator=(const RawSqlite&) = delete;

  absl::Status Run(const char* sql) {
    return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK
               ? absl::OkStatus()
               : Error();
  }
  absl::Status Prepare() {
    const bool ok =
        Prepare(
            "INSERT INTO bench_items(name,label,quantity,price) "
            "VALUES(?,?,?,?)",
            &insert_) &&
        Prepare(
            "SELECT id,name,label,quantity,price FROM bench_items "
            "WHERE id=?",
            &select_) &&
        Prepare("UPDATE bench_items SET quantity=? WHERE id=?", &update_) &&
        Prepare("SELECT id,name,label,quantity,price FROM bench_items",
                &select_all_) &&
        Prepare("BEGIN", &begin_) && Prepare("COMMIT", &commit_);
    return ok ? absl::OkStatus() : Error();
  }

  // Inserts the row and takes its key.
  bool Insert(ItemRow& row) {
    BindText(1, row.name);
    BindText(2, row.label);
    sqlite3_bind_int64(insert_, 3, row.quantity);
    sqlite3_bind_double(insert_, 4, row.price);
    const bool ok = sqlite3_step(insert_) == SQLITE_DONE;
    sqlite3_reset(insert_);
    row.id = sqlite3_last_insert_rowid(handle_);
    return ok;
  }
  // Inserts the row in a transaction of its own.
  bool InsertAndCommit(ItemRow& row) {
    return Step(begin_) && Insert(row) && Step(commit_);
  }
  bool Get(std::int64_t id, ItemRow* row) {
    sqlite3_bind_int64(select_, 1, id);
    const bool found = sqlite3_step(select_) == SQLITE_ROW;
    if (found) TakeRow(select_, row);
    sqlite3_reset(select_);
    return found;
  }
  std::vector<ItemRow> GetAll() {
    std::vector<ItemRow> rows;
    while (sqlite3_step(select_all_) == SQLITE_ROW) {
      TakeRow(select_all_, &rows.emplace_back());
    }
    sqlite3_reset(select_all_);
    return rows;
  }
  bool Update(std::int64_t id, std::int64_t quantity) {
    sqlite3_bind_int64(update_, 1, quantity);
    sqlite3_bind_int64(update_, 2, id);
    const bool ok = sqlite3_step(update_) == SQLITE_DONE;
    sqlite3_reset(update_);
    return ok && sqlite3_changes(handle_) == 1;
  }

  absl::Status Error() const {
    return absl::UnknownError(
        absl::StrCat("raw SQLite: ", sqlite3_errmsg(handle_)));
  }
  sqlite3* handle() { return handle_; }

 private:
  RawSqlite() = default;

  bool Prepare(const char* sql, sqlite3_stmt** out) {
    return sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, out,
                              nullptr) == SQLITE_OK;
  }
  void BindText(int index, const std::string& text) {
    sqlite3_bind_text(insert_, index, text.data(),
                      static_cast<int>(text.size()), SQLITE_STATIC);
  }
  static bool Step(sqlite3_stmt* statement) {
    const bool ok = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return ok;
  }
  static void TakeRow(sqlite3_stmt* statement, ItemRow* row) {
    row->id = sqlite3_column_int64(statement, 0);
    TakeText(statement, 1, &row->name);
    TakeText(statement, 2, &row->label);
    row->quantity = sqlite3_column_int64(statement, 3);
    row->price = sqlite3_column_double(statement, 4);
  }
  static void TakeText(sqlite3_stmt* statement, int column, std::string* out) {
    const auto* text =
        reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    out->assign(text, static_cast<std::size_t>(
                          sqlite3_column_bytes(statement, column)));
  }

  sqlite3* handle_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
  sqlite3_stmt* update_ = nullptr;
  sqlite3_stmt* select_all_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_RAW_SQLITE_H_
