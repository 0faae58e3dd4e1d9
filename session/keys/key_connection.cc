#include "shard/session/keys/key_connection.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "shard/base/fork_count.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/reflection.h"
#include "shard/dialects/schema.h"
#include "shard/dialects/transaction_options.h"

namespace shard {
namespace {

absl::StatusOr<bool> HasTable(Engine& engine, const sql::Table& table) {
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine.Connect());
  const absl::Status found = ReflectTable(*connection, table.name()).status();
  if (absl::IsNotFound(found)) return false;
  SHARD_RETURN_IF_ERROR(found);
  return true;
}

}  // namespace

absl::Status CheckNotForked(std::uint64_t forks, std::string_view what) {
  if (ForkCount() == forks) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      ToAbsl(what),
      ": made before a fork, and used by the parent; make another in the "
      "child"));
}

KeyConnection::KeyConnection(std::shared_ptr<Engine> engine,
                             absl::Duration timeout)
    : engine_(std::move(engine)), timeout_(timeout), forks_(ForkCount()) {}

KeyConnection::~KeyConnection() {
  // In a fork, saying goodbye to the server would end the parent's connection.
  if (ForkCount() != forks_) static_cast<void>(connection_.release());
}

absl::Status KeyConnection::EnsureTable(const sql::Table& table) {
  if (engine_->is_private()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", engine_->name(),
        "' is a database in memory, which lives in one connection and ends "
        "with it; keys that are never given twice need one that stays"));
  }
  SHARD_ASSIGN_OR_RETURN(const bool there, HasTable(*engine_, table));
  if (there) return absl::OkStatus();
  const absl::Status made = CreateAll(*engine_, {&table});
  if (made.ok()) return made;
  // Someone else may have been faster, which PostgreSQL takes for a conflict.
  const absl::StatusOr<bool> after_all = HasTable(*engine_, table);
  return after_all.ok() && *after_all ? absl::OkStatus() : made;
}

absl::StatusOr<Outcome> KeyConnection::Run(const sql::Statement& statement,
                                           const sql::Parameters& parameters,
                                           RowBatch* rows) {
  const bool reused = connection_ != nullptr;
  absl::StatusOr<Outcome> outcome = RunOnce(statement, parameters, rows);
  if (reused && absl::IsUnavailable(outcome.status())) {
    // It may have been closed long ago, when nobody looked.
    outcome = RunOnce(statement, parameters, rows);
  }
  if (outcome.ok()) return outcome;
  return Annotate(
      outcome.status(),
      absl::StrCat("'", engine_->name(), "'",
                   absl::IsAborted(outcome.status())
                       ? ", which may be kept from writing by the transaction "
                         "that wants a key (give keys a database of their own)"
                       : ""));
}

absl::StatusOr<Outcome> KeyConnection::RunOnce(
    const sql::Statement& statement, const sql::Parameters& parameters,
    RowBatch* rows) {
  const absl::Time until = absl::Now() + timeout_;
  SHARD_RETURN_IF_ERROR(engine_->CheckMayWrite());
  if (connection_ == nullptr) {
    SHARD_ASSIGN_OR_RETURN(connection_, engine_->OpenConnection(until));
  }
  connection_->set_deadline(until);
  absl::StatusOr<Outcome> outcome = Transact(statement, parameters, rows);
  if (outcome.ok()) {
    connection_->set_deadline(absl::InfiniteFuture());
  } else {
    // Closing it rolls back what is open.
    connection_.reset();
  }
  return outcome;
}

absl::StatusOr<Outcome> KeyConnection::Transact(
    const sql::Statement& statement, const sql::Parameters& parameters,
    RowBatch* rows) {
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         connection_->dialect().Compile(statement));
  std::vector<sql::ValueView> values;
  SHARD_RETURN_IF_ERROR(BindParameters(*compiled, parameters, &values));
  // Another default would only make two that meet fail.
  SHARD_RETURN_IF_ERROR(connection_->Begin(
      {.isolation = Isolation::kReadCommitted, .durable = true}));
  Request request;
  request.statement = compiled.get();
  request.parameters = values;
  SHARD_ASSIGN_OR_RETURN(Outcome outcome, connection_->Execute(request, rows));
  SHARD_RETURN_IF_ERROR(connection_->Commit());
  return outcome;
}

}  // namespace shard
