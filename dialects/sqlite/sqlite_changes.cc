#include "shard/dialects/sqlite/sqlite_changes.h"

#include <sqlite3.h>

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_errors.h"

namespace shard {

SqliteChange::SqliteChange(sqlite3_changeset_iter* iterator)
    : iterator_(iterator) {
  const char* table = "";
  int columns = 0;
  unsigned char* key = nullptr;
  sqlite3changeset_op(iterator, &table, &columns, &operation_, nullptr);
  sqlite3changeset_pk(iterator, &key, nullptr);
  table_ = table;
  columns_ = static_cast<std::size_t>(columns);
  key_ = key;
}

sqlite3_value* SqliteChange::old_value(std::size_t column) const {
  sqlite3_value* value = nullptr;
  if (operation_ != SQLITE_INSERT) {
    sqlite3changeset_old(iterator_, static_cast<int>(column), &value);
  }
  return value;
}

sqlite3_value* SqliteChange::new_value(std::size_t column) const {
  sqlite3_value* value = nullptr;
  if (operation_ != SQLITE_DELETE) {
    sqlite3changeset_new(iterator_, static_cast<int>(column), &value);
  }
  return value;
}

SqliteChanges::SqliteChanges(std::string_view changeset)
    : result_(sqlite3changeset_start(&iterator_,
                                     static_cast<int>(changeset.size()),
                                     const_cast<char*>(changeset.data()))) {}

SqliteChanges::~SqliteChanges() {
  if (iterator_ != nullptr) sqlite3changeset_finalize(iterator_);
}

absl::StatusOr<bool> SqliteChanges::Next() {
  if (result_ == SQLITE_OK) result_ = sqlite3changeset_next(iterator_);
  if (result_ == SQLITE_DONE) return false;
  if (result_ != SQLITE_ROW) {
    return SqliteError(result_, "the changeset cannot be read", "");
  }
  result_ = SQLITE_OK;
  return true;
}

}  // namespace shard
