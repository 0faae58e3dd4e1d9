// Reading a changeset of SQLite's session extension.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_CHANGES_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_CHANGES_H_

#include <sqlite3.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct sqlite3_changeset_iter;

namespace shard {

// One change of a row. A view: lives until the iterator moves on.
class SqliteChange {
 public:
  explicit SqliteChange(sqlite3_changeset_iter* iterator);

  std::string_view table() const { return table_; }
  int operation() const { return operation_; }  // SQLITE_INSERT and so on
  std::size_t columns() const { return columns_; }
  bool is_key(std::size_t column) const { return key_[column] != 0; }
  // Null where the change does not say.
  sqlite3_value* old_value(std::size_t column) const;
  sqlite3_value* new_value(std::size_t column) const;
  // Of a column of the key: what finds the row.
  sqlite3_value* key_value(std::size_t column) const {
    return operation_ == SQLITE_INSERT ? new_value(column) : old_value(column);
  }

 private:
  sqlite3_changeset_iter* iterator_;
  std::string_view table_;
  int operation_ = 0;
  std::size_t columns_ = 0;
  const unsigned char* key_ = nullptr;
};

// Goes through the changes; those of one table are neighbours. The changeset
// must live as long.
class SqliteChanges {
 public:
  explicit SqliteChanges(std::string_view changeset);
  ~SqliteChanges();
  SqliteChanges(const SqliteChanges&) = delete;
  SqliteChanges& operator=(const SqliteChanges&) = delete;

  // False at the end. kDataLoss for bytes that are no changeset.
  absl::StatusOr<bool> Next();
  SqliteChange change() const { return SqliteChange(iterator_); }

 private:
  sqlite3_changeset_iter* iterator_ = nullptr;
  int result_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_CHANGES_H_
