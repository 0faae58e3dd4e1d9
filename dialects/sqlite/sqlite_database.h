// An open SQLite database: what a connection, its inserts and its cursors
// share.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_DATABASE_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_DATABASE_H_

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/sqlite/sqlite_effects.h"
#include "shard/dialects/sqlite/sqlite_limits.h"
#include "shard/dialects/sqlite/sqlite_table_facts.h"
#include "shard/dialects/sqlite/statement_cache.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

class SqliteGate;

struct SqliteOptions {
  std::string path;  // empty: a database in memory, of this connection alone
  bool read_only = false;
  bool synchronous_full = true;  // else NORMAL
  std::string engine_name;
  absl::Duration busy_timeout = absl::Seconds(5);
  OnStatement on_statement;
};

// As SQLite takes a busy timeout.
int SqliteMilliseconds(absl::Duration timeout);

// Set-up goes through SQLiteCpp, whose exceptions end here; what runs often
// uses SQLite's C functions on its handle. Not thread-safe.
class SqliteDatabase {
 public:
  // kUnavailable, naming the path, for a file that cannot be opened.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(
      const SqliteOptions& options);

  sqlite3* handle() const { return handle_; }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  // Whether the transaction has ended by itself, and its owner has not rolled
  // it back yet.
  bool transaction_lost() const { return transaction_lost_; }
  void set_transaction_lost(bool lost) { transaction_lost_ = lost; }
  // False once an error showed that the file is broken or gone.
  bool usable() const { return usable_; }

  // The one statement in `text`, from the cache if it is there.
  // kInvalidArgument for no statement, or more than one.
  absl::StatusOr<StatementCache::Loan> Prepare(std::string_view text);
  // The first statement at `*script`, which moves on behind it; null at the
  // end.
  absl::StatusOr<SqliteStatementPtr> PrepareNext(const char** script);

  // Binds all parameters of a statement, as BindValue does.
  absl::Status Bind(sqlite3_stmt* statement,
                    absl::Span<const sql::ValueView> values,
                    sql::ByteArena& scratch);
  // True when there is a row, false at the end.
  absl::StatusOr<bool> Step(sqlite3_stmt* statement);
  // Runs one statement that has no parameters, ignoring its rows.
  absl::Status Run(std::string_view text);

  // The Status of a result code that SQLite has just returned.
  absl::Status Error(int result, std::string_view statement);
  // Who is told of the statements that have run; at first nobody. Must outlive
  // this.
  void set_listeners(const StatementListeners* listeners) {
    listeners_ = listeners;
  }
  const StatementListeners& listeners() const { return *listeners_; }

  // Whom statements that write ask first; must outlive them.
  void set_gate(SqliteGate* gate) { gate_ = gate; }
  SqliteEffects& effects() { return effects_; }
  SqliteTables& tables() { return tables_; }

  SqliteLimits& limits() { return limits_; }
  // A statement, or a cursor's next batch, starts its work: kDeadlineExceeded
  // when the transaction has no time left. Step does so for a new statement.
  absl::Status StartTimed(sqlite3_stmt* statement) {
    if (!limits_.active()) return absl::OkStatus();
    return limits_.Start(sqlite3_sql(statement));
  }

  // From now on, statements that write are refused, until the transaction ends.
  void set_read_only_transaction(bool on) { read_only_transaction_ = on; }

  // How many frames the log had with the last COMMIT of this connection since
  // this was asked last, as SQLite told it; 0 when there was none.
  std::uint32_t TakeFramesCommitted() {
    return std::exchange(frames_committed_, 0);
  }
  // Whether, and that, commits were found to be durable. A PRAGMA that may
  // change it makes it unknown again.
  bool commits_known_durable() const {
    return durable_as_of_ == effects_.durability_pragmas();
  }
  void NoteCommitsAreDurable() {
    durable_as_of_ = effects_.durability_pragmas();
  }

  // The longest text or blob.
  std::size_t max_value_bytes() const;
  std::size_t max_parameters() const;

 private:
  static const StatementListeners kNobody;

  explicit SqliteDatabase(const SqliteOptions& options);

  static int OnCommitted(void* self, sqlite3* handle, const char* schema,
                         int frames);
  absl::Status SetUp();
  absl::Status UseWriteAheadLog();
  absl::StatusOr<StatementCache::Loan> PrepareNew(std::string_view text);
  absl::StatusOr<SqliteStatementPtr> PrepareFirst(const char** text,
                                                  unsigned flags,
                                                  SqliteEffects::Mark* mark);
  absl::Status CheckMayRun(sqlite3_stmt* statement);

  const SqliteOptions options_;
  SqliteEffects effects_;
  SQLite::Database database_;
  sqlite3* const handle_;
  StatementCache statements_;  // closed before database_
  SqliteGate* gate_ = nullptr;
  const StatementListeners* listeners_ = &kNobody;
  SqliteLimits limits_{handle_};
  SqliteTables tables_{this};
  bool usable_ = true;
  bool transaction_lost_ = false;
  std::uint32_t frames_committed_ = 0;
  std::uint64_t durable_as_of_ = 0;  // so many PRAGMAs; there are more by now
  bool read_only_transaction_ = false;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_DATABASE_H_
