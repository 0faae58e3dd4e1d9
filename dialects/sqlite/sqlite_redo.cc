#include "shard/dialects/sqlite/sqlite_redo.h"

#include <sqlite3.h>

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {
namespace {

// Turns triggers and foreign keys off, and back on when it ends. The PRAGMA
// for foreign keys does nothing in a transaction.
class WithoutTriggers {
 public:
  explicit WithoutTriggers(sqlite3* handle) : handle_(handle) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &foreign_keys_);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &triggers_);
    Set(0, 0);
  }
  ~WithoutTriggers() { Set(foreign_keys_, triggers_); }
  WithoutTriggers(const WithoutTriggers&) = delete;
  WithoutTriggers& operator=(const WithoutTriggers&) = delete;

 private:
  void Set(int foreign_keys, int triggers) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, foreign_keys,
                      nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, triggers,
                      nullptr);
  }

  sqlite3* const handle_;
  int foreign_keys_ = 0;
  int triggers_ = 0;
};

struct Conflicts {
  std::vector<RedoConflict>* found;
};

int OnConflictFound(void* context, int, sqlite3_changeset_iter* iterator) {
  const char* table = "";
  int columns = 0;
  int operation = 0;
  sqlite3changeset_op(iterator, &table, &columns, &operation, nullptr);
  static_cast<Conflicts*>(context)->found->push_back({table, "", ""});
  return SQLITE_CHANGESET_ABORT;
}

}  // namespace

absl::Status ApplySqliteRedo(SqliteDatabase& database, std::string_view redo,
                             OnConflict, std::vector<RedoConflict>* conflicts) {
  const WithoutTriggers without(database.handle());
  Conflicts context{conflicts};
  const int result = sqlite3changeset_apply_v2(
      database.handle(), static_cast<int>(redo.size()),
      const_cast<char*>(redo.data()), nullptr, &OnConflictFound, &context,
      nullptr, nullptr, 0);
  if (result == SQLITE_OK) return absl::OkStatus();
  if (result != SQLITE_ABORT) return database.Error(result, "");
  return absl::FailedPreconditionError(
      absl::StrCat("table '", conflicts->back().table,
                   "' is not as the transaction found it"));
}

}  // namespace shard
