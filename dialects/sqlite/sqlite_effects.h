// What a connection's statements may do that a recording does not hold.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_EFFECTS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_EFFECTS_H_

#include <sqlite3.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace shard {

// The savepoint that begins a transaction that may follow.
inline constexpr char kSqliteTransactionSavepoint[] = "shard_transaction";

// SQLite's session extension hears of rows in tables. This listens, as the
// connection's authorizer, while statements are compiled, and notes the rest:
//
//  - DDL, and PRAGMAs that write to the file's header. Such statements are
//    never cached, so that they are compiled, and noted, each time they run.
//  - DELETE. One without WHERE that was compiled while nobody recorded empties
//    the table at one stroke, unheard, and triggers may contain one. What was
//    compiled so is compiled again before it runs under a recording; Mark and
//    IsHeard tell which. (Forbidding the stroke would make it slow for all.)
//  - reads of row numbers (rowid) that are not the key of their table: a redo
//    does not keep them. Statements with one are compiled again each time that
//    they run under a recording, so that each recording hears of its own.
//
// It also keeps users from releasing kSqliteTransactionSavepoint, which would
// commit, and from setting another of that name. Not thread-safe.
class SqliteEffects {
 public:
  using Mark = std::uint64_t;

  SqliteEffects() = default;
  SqliteEffects(const SqliteEffects&) = delete;
  SqliteEffects& operator=(const SqliteEffects&) = delete;

  // Once. To install it later would have all statements compiled again.
  void Install(sqlite3* handle);

  // How often something was noted that cannot be recorded, and what was last:
  // "CREATE TABLE x".
  std::uint64_t unrecordable() const { return unrecordable_; }
  const std::string& last_unrecordable() const { return last_; }
  // Whether that setting may be on: it lets in rows that no redo could.
  bool may_ignore_checks() const { return may_ignore_checks_; }

  // How often a PRAGMA was noted that may change whether commits are durable.
  // Such statements are not cached either.
  std::uint64_t durability_pragmas() const { return durability_pragmas_; }

  // While a session records on the connection.
  bool recording() const { return recording_; }
  void set_recording(bool on);
  // Whether a statement that ran since the recording began reads the row
  // numbers of that table of schema main.
  bool ReadsRowNumbers(std::string_view table) const;

  // Around the compilation of a statement by its user; SQLite compiles others
  // by itself, again when the schema has changed.
  void StartCompiling();
  // To be kept with the statement.
  Mark FinishCompiling();
  // Whether a statement with that mark may run under a recording, since that
  // hears of all that it deletes, and the statement reads no row numbers.
  bool IsHeard(Mark mark) const { return mark == silent_recompilations_; }

 private:
  static constexpr Mark kSilent = std::numeric_limits<Mark>::max();

  static int OnAction(void* self, int action, const char* first,
                      const char* second, const char* schema,
                      const char* trigger);
  void Note(const char* verb, const char* name);
  void NotePragma(const char* name, const char* value);
  void NoteDelete();
  void NoteRowNumber(const char* table, const char* schema);
  int CheckSavepoint(const char* verb, const char* name) const;

  sqlite3* handle_ = nullptr;
  std::uint64_t unrecordable_ = 0;
  std::string last_;
  bool may_ignore_checks_ = false;
  std::uint64_t durability_pragmas_ = 0;
  bool recording_ = false;
  bool compiling_ = false;
  bool compiled_delete_ = false;
  bool compiled_row_number_ = false;
  std::vector<std::string> row_number_tables_;  // read since recording began
  // By SQLite, of statements that a recording is not to use from a cache. Which
  // they were is not known: all marks from before are void.
  Mark silent_recompilations_ = 0;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_EFFECTS_H_
