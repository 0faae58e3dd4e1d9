#include "shard/dialects/sqlite/sqlite_database.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/sqlite_effects.h"
#include "shard/dialects/sqlite/sqlite_errors.h"
#include "shard/dialects/sqlite/sqlite_gate.h"
#include "shard/dialects/sqlite/sqlite_values.h"
#include "shard/dialects/sqlite/statement_cache.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

// SQLite counts its memory under one lock that all threads share; without the
// count, two writers gain 1.4 to 1.8 times. Too late, and no error, in a
// program that has used SQLite before.
void ConfigureProcess() {
  static const int ignored = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(ignored);
}

int OpenFlags(const SqliteOptions& options) {
  ConfigureProcess();
  return SQLITE_OPEN_NOMUTEX |
         (options.read_only ? SQLITE_OPEN_READONLY
                            : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

// The path as SQLite takes it for a plain file: Debian's SQLite reads names
// that begin with "file:" as URIs, and ":memory:" means no file.
std::string FileName(const std::string& path) {
  if (path.empty()) return ":memory:";
  return path.front() == '/' ? path : absl::StrCat("./", path);
}

constexpr int kFramesBetweenCheckpoints = 1000;  // SQLite's default

std::string_view AsText(const void* data, int size) {
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

int CompareDecimals(void*, int a_size, const void* a, int b_size,
                    const void* b) {
  return Decimal::CompareText(AsText(a, a_size), AsText(b, b_size));
}

absl::Status OpenError(const SqliteOptions& options,
                       const SQLite::Exception& error) {
  const std::string where = options.path.empty()
                                ? "database in memory"
                                : absl::StrCat("file '", options.path, "'");
  return Annotate(SqliteError(error.getExtendedErrorCode(), error.what(), ""),
                  where);
}

}  // namespace

int SqliteMilliseconds(absl::Duration timeout) {
  return static_cast<int>(std::clamp<std::int64_t>(
      absl::ToInt64Milliseconds(timeout), 0, std::numeric_limits<int>::max()));
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(
    const SqliteOptions& options) {
  try {
    auto database =
        std::unique_ptr<SqliteDatabase>(new SqliteDatabase(options));
    SHARD_RETURN_IF_ERROR(database->SetUp());
    return database;
  } catch (const SQLite::Exception& error) {
    return OpenError(options, error);
  }
}

const StatementListeners SqliteDatabase::kNobody;

SqliteDatabase::SqliteDatabase(const SqliteOptions& options)
    : options_(options),
      database_(FileName(options.path), OpenFlags(options),
                SqliteMilliseconds(options.busy_timeout)),
      handle_(database_.getHandle()) {}

// Takes the place of SQLite's own hook, so it also does what that does:
// "PRAGMA wal_autocheckpoint" puts it back.
int SqliteDatabase::OnCommitted(void* self, sqlite3* handle, const char* schema,
                                int frames) {
  if (std::string_view(schema) == "main") {
    static_cast<SqliteDatabase*>(self)->frames_committed_ =
        static_cast<std::uint32_t>(frames);
  }
  if (frames >= kFramesBetweenCheckpoints) {
    sqlite3_wal_checkpoint(handle, schema);  // if it is busy, the next time
  }
  return SQLITE_OK;
}

absl::Status SqliteDatabase::SetUp() {
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_wal_hook(handle_, &OnCommitted, this);
  effects_.Install(handle_);
  // A misspelled "column" would otherwise be taken for the text 'column'.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  const int result =
      sqlite3_create_collation_v2(handle_, kDecimalCollation, SQLITE_UTF8,
                                  nullptr, &CompareDecimals, nullptr);
  if (result != SQLITE_OK) return Error(result, "");
  if (!options_.path.empty() && !options_.read_only) {
    SHARD_RETURN_IF_ERROR(UseWriteAheadLog());
  }
  database_.exec(options_.synchronous_full ? "PRAGMA synchronous=FULL"
                                           : "PRAGMA synchronous=NORMAL");
  database_.exec(
      "PRAGMA foreign_keys=ON;"
      "PRAGMA case_sensitive_like=ON");
  return absl::OkStatus();
}

absl::Status SqliteDatabase::UseWriteAheadLog() {
  // Changing the mode of a file takes it exclusively and does not wait for
  // others who do the same: only the first to open a new file needs to.
  const absl::Time deadline = absl::Now() + options_.busy_timeout;
  while (true) {
    try {
      std::string mode =
          database_.execAndGet("PRAGMA journal_mode").getString();
      if (mode != "wal") {
        mode = database_.execAndGet("PRAGMA journal_mode=WAL").getString();
      }
      if (mode == "wal") return absl::OkStatus();
      return absl::UnavailableError(
          absl::StrCat("file '", options_.path,
                       "' cannot use a write-ahead log (its journal mode "
                       "stays '",
                       mode, "'); put it on a local file system"));
    } catch (const SQLite::Exception& error) {
      if (error.getErrorCode() != SQLITE_BUSY || absl::Now() >= deadline) {
        return OpenError(options_, error);
      }
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
}

absl::StatusOr<SqliteStatementPtr> SqliteDatabase::PrepareFirst(
    const char** text, unsigned flags, SqliteEffects::Mark* mark) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = *text;
  effects_.StartCompiling();
  const int result =
      sqlite3_prepare_v3(handle_, *text, -1, flags, &statement, &rest);
  *mark = effects_.FinishCompiling();
  if (result != SQLITE_OK) return Error(result, *text);
  *text = rest;
  return SqliteStatementPtr(statement);
}

absl::StatusOr<SqliteStatementPtr> SqliteDatabase::PrepareNext(
    const char** script) {
  SqliteEffects::Mark ignored;
  while (**script != '\0') {
    SHARD_ASSIGN_OR_RETURN(SqliteStatementPtr statement,
                           PrepareFirst(script, 0, &ignored));
    if (statement == nullptr) continue;  // a comment or white space
    SHARD_RETURN_IF_ERROR(CheckMayRun(statement.get()));
    return statement;
  }
  return SqliteStatementPtr();
}

absl::StatusOr<StatementCache::Loan> SqliteDatabase::Prepare(
    std::string_view text) {
  StatementCache::Loan loan = statements_.Borrow(text);
  if (effects_.recording() && loan && !effects_.IsHeard(loan.mark())) {
    loan.DoNotKeep();
    loan.Return();
  }
  if (!loan) {
    SHARD_ASSIGN_OR_RETURN(loan, PrepareNew(text));
  }
  SHARD_RETURN_IF_ERROR(CheckMayRun(loan.get()));
  return loan;
}

absl::StatusOr<StatementCache::Loan> SqliteDatabase::PrepareNew(
    std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "the statement has a NUL byte, where SQLite would end it; bind such "
        "text as a value");
  }
  std::string copy(text);  // ends with the NUL byte that SQLite looks for
  const char* rest = copy.c_str();
  const std::uint64_t unrecordable = effects_.unrecordable();
  const std::uint64_t durability_pragmas = effects_.durability_pragmas();
  SqliteEffects::Mark mark;
  SHARD_ASSIGN_OR_RETURN(SqliteStatementPtr statement,
                         PrepareFirst(&rest, SQLITE_PREPARE_PERSISTENT, &mark));
  if (statement == nullptr) {
    return absl::InvalidArgumentError(
        "there is no statement in the text; write one");
  }
  const absl::StatusOr<SqliteStatementPtr> second = PrepareNext(&rest);
  if (!second.ok() || *second != nullptr) {
    return DatabaseError(
        absl::StatusCode::kInvalidArgument,
        "one statement at a time; use ExecuteScript for several", text, "");
  }
  StatementCache::Loan loan =
      statements_.Add(std::move(copy), std::move(statement), mark);
  if (effects_.unrecordable() != unrecordable ||
      effects_.durability_pragmas() != durability_pragmas) {
    loan.DoNotKeep();
  }
  return loan;
}

absl::Status SqliteDatabase::CheckMayRun(sqlite3_stmt* statement) {
  // PRAGMA query_only would do this too, but turning it on and off throws away
  // all prepared statements.
  SHARD_RETURN_IF_ERROR(StartTimed(statement));  // the gate may wait
  const bool gate_is_open = gate_ == nullptr || !gate_->must_pass();
  if ((gate_is_open && !read_only_transaction_) ||
      sqlite3_stmt_readonly(statement) != 0) {
    return absl::OkStatus();
  }
  if (!read_only_transaction_) return gate_->Pass(statement);
  return SqliteError(SQLITE_READONLY,
                     "attempt to write in a read-only transaction",
                     sqlite3_sql(statement));
}

absl::Status SqliteDatabase::Bind(sqlite3_stmt* statement,
                                  absl::Span<const sql::ValueView> values,
                                  sql::ByteArena& scratch) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (values.size() != static_cast<std::size_t>(wanted)) {
    return DatabaseError(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("the statement has ", wanted, " parameters and was given ",
                     values.size(), " values"),
        sqlite3_sql(statement), "");
  }
  for (int i = 0; i < wanted; ++i) {
    const int result = BindValue(statement, i + 1, values[i], scratch);
    if (result != SQLITE_OK) return Error(result, sqlite3_sql(statement));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SqliteDatabase::Step(sqlite3_stmt* statement) {
  if (limits_.active() && sqlite3_stmt_busy(statement) == 0) {
    SHARD_RETURN_IF_ERROR(StartTimed(statement));
  }
  const int result = sqlite3_step(statement);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return Error(result, sqlite3_sql(statement));
}

absl::Status SqliteDatabase::Run(std::string_view text) {
  SHARD_ASSIGN_OR_RETURN(const StatementCache::Loan statement, Prepare(text));
  const auto begin = listeners().Now();
  std::size_t rows = 0;
  absl::StatusOr<bool> row = Step(statement.get());
  for (; row.ok() && *row; row = Step(statement.get())) ++rows;
  listeners().Tell(text, 0, rows, row.ok(), begin);
  return row.status();
}

absl::Status SqliteDatabase::Error(int result, std::string_view statement) {
  if (IsLostBySqliteError(result)) usable_ = false;
  const int primary = result & 0xff;
  if ((primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY) &&
      limits_.overdue()) {
    return SqliteLimits::TookTooLong(statement);
  }
  const bool is_latest = sqlite3_extended_errcode(handle_) == result;
  return SqliteError(
      result, is_latest ? sqlite3_errmsg(handle_) : sqlite3_errstr(result),
      statement);
}

std::size_t SqliteDatabase::max_value_bytes() const {
  return static_cast<std::size_t>(
      sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, -1));
}

std::size_t SqliteDatabase::max_parameters() const {
  return static_cast<std::size_t>(
      sqlite3_limit(handle_, SQLITE_LIMIT_VARIABLE_NUMBER, -1));
}

}  // namespace shard
