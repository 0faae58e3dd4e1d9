#include "shard/dialects/postgres/postgres_participant.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/postgres_inspection.h"
#include "shard/dialects/postgres/postgres_stamp.h"
#include "shard/dialects/postgres/quoting.h"

namespace shard::postgres {
namespace {

using Code = absl::StatusCode;

struct CodeRule {
  std::string_view sqlstate;
  Code code;
};

// The same error under the code that it has in an atomic commit.
absl::Status WithCodes(const absl::Status& status,
                       std::initializer_list<CodeRule> rules) {
  // A lost connection speaks of what was heard last, not of what was done.
  if (status.ok() || absl::IsUnavailable(status)) return status;
  const std::string sqlstate = DatabaseCode(status).value_or("");
  for (const CodeRule& rule : rules) {
    if (sqlstate != rule.sqlstate) continue;
    absl::Status changed(rule.code, status.message());
    status.ForEachPayload(
        [&changed](absl::string_view type, const absl::Cord& payload) {
          changed.SetPayload(type, payload);
        });
    return changed;
  }
  return status;
}

absl::Status WrongAnswer(std::string_view statement, std::string_view tag) {
  return absl::AbortedError(absl::StrCat(
      "the server answered ", ToAbsl(statement), " with ", ToAbsl(tag)));
}

constexpr char kOutOfSlots[] = "53200";
constexpr CodeRule kFailedBefore = {"25P02", Code::kAborted};

}  // namespace

PostgresParticipant::PostgresParticipant(Conversation* conversation,
                                         int max_prepared_transactions,
                                         bool standby)
    : conversation_(*conversation),
      decisions_(conversation),
      max_prepared_(max_prepared_transactions),
      standby_(standby),
      why_not_prepare_(max_prepared_transactions > 0
                           ? ""
                           : "max_prepared_transactions is 0") {}

absl::Status PostgresParticipant::CheckInTransaction() const {
  SHARD_RETURN_IF_ERROR(conversation_.CheckIdle());
  if (!conversation_.link().usable()) return conversation_.link().Lost("");
  if (conversation_.in_transaction()) return absl::OkStatus();
  return absl::FailedPreconditionError("no transaction is open");
}

// The server reports the end of its recovery with the first answer behind it
// (since version 14; before, nothing is known).
bool PostgresParticipant::cannot_have_written() const {
  if (!standby_) return false;
  const char* in_recovery =
      PQparameterStatus(conversation_.link().libpq(), "in_hot_standby");
  return in_recovery != nullptr && std::string_view(in_recovery) == "on";
}

void PostgresParticipant::LookWithNext() { conversation_.look_ahead().Ask(); }

absl::Status PostgresParticipant::StartLook() {
  SHARD_RETURN_IF_ERROR(CheckInTransaction());
  known_number_ = conversation_.look_ahead().number();
  if (conversation_.begin_pending()) known_number_ = "";
  if (known_number_.has_value()) return absl::OkStatus();
  return conversation_.StartOwn(LookAhead::kQuery, "");
}

absl::StatusOr<WorkDone> PostgresParticipant::FinishLook() {
  WorkDone done;
  if (known_number_.has_value()) {
    done.number = *std::exchange(known_number_, std::nullopt);
  } else {
    SHARD_ASSIGN_OR_RETURN(const ScriptResults results,
                           conversation_.FinishOwn());
    done.number = results.at(0).rows.at(0).at(0);
  }
  done.wrote = !done.number.empty();  // or locked rows
  return done;
}

absl::Status PostgresParticipant::StartPrepare(std::string_view gid) {
  SHARD_RETURN_IF_ERROR(CheckInTransaction());
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         QuoteLiteral(conversation_.link(), gid));
  const std::string prepare = absl::StrCat("PREPARE TRANSACTION ", quoted);
  // In a failed transaction PREPARE rolls back and says so by nothing but its
  // tag; any other statement fails there.
  absl::Status status =
      conversation_.StartOwn(absl::StrCat("SELECT 1;", prepare), prepare);
  if (DatabaseCode(status) != kFailedBefore.sqlstate) return status;
  // Failed without the server's knowledge, so that it ends at once.
  SHARD_RETURN_IF_ERROR(conversation_.StartScript({"ROLLBACK"}));
  SHARD_RETURN_IF_ERROR(conversation_.FinishScript());
  return WithCodes(status, {kFailedBefore});
}

absl::Status PostgresParticipant::FinishPrepare() {
  const absl::StatusOr<ScriptResults> results = conversation_.FinishOwn();
  if (!results.ok()) {
    if (conversation_.in_transaction()) {
      SHARD_RETURN_IF_ERROR(conversation_.StartScript({"ROLLBACK"}));
      conversation_.FinishScript().IgnoreError();  // shows in usable()
    }
    return ExplainPrepare(results.status());
  }
  const std::string& tag = results->back().tag;
  if (tag == "PREPARE TRANSACTION") return absl::OkStatus();
  return WrongAnswer("PREPARE TRANSACTION", tag);
}

absl::Status PostgresParticipant::ExplainPrepare(
    const absl::Status& status) const {
  if (DatabaseCode(status) == kOutOfSlots) {
    return Annotate(
        status, absl::StrCat("cannot prepare; max_prepared_transactions is ",
                             max_prepared_, ", raise it"));
  }
  return WithCodes(status, {kFailedBefore,
                            {"0A000", Code::kFailedPrecondition},
                            {"42710", Code::kAlreadyExists}});
}

absl::Status PostgresParticipant::StartDecide(const DecisionRow& row) {
  // Without this the row would commit on its own, without the work.
  SHARD_RETURN_IF_ERROR(CheckInTransaction());
  SHARD_RETURN_IF_ERROR(decide_.Prepare(row));
  return WithCodes(conversation_.pipeline().Start(&decide_), {kFailedBefore});
}

absl::Status PostgresParticipant::FinishDecide() {
  absl::Status status = conversation_.pipeline().Finish();
  if (status.ok()) return status;
  Link& link = conversation_.link();
  if (!link.usable()) status = link.AsLoss(status, "");
  if (!absl::IsAlreadyExists(status)) {
    return WithCodes(status,
                     {kFailedBefore, {"42P01", Code::kFailedPrecondition}});
  }
  if (conversation_.in_transaction()) {  // the insert failed
    return Annotate(status, "the transaction is decided already");
  }
  // COMMIT did: a constraint that was deferred.
  return WithCodes(status, {{"23505", Code::kFailedPrecondition}});
}

absl::Status PostgresParticipant::StartEnd(std::string_view gid,
                                           Decision decision) {
  SHARD_RETURN_IF_ERROR(conversation_.CheckOutsideTransaction());
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         QuoteLiteral(conversation_.link(), gid));
  return conversation_.StartOwn(
      absl::StrCat(decision == Decision::kCommit ? "COMMIT" : "ROLLBACK",
                   " PREPARED ", quoted),
      "");
}

absl::Status PostgresParticipant::FinishEnd() {
  return WithCodes(conversation_.FinishOwn().status(),
                   {{"42704", Code::kNotFound},
                    {"55000", Code::kAborted},  // busy: another is ending it
                    // Of another database: not done by being not here.
                    {"0A000", Code::kFailedPrecondition}});
}

absl::StatusOr<std::vector<PreparedTransaction>>
PostgresParticipant::ListPrepared(std::string_view prefix) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         QuoteLiteral(conversation_.link(), prefix));
  SHARD_ASSIGN_OR_RETURN(
      const ScriptResults results,
      conversation_.RunOwn(
          absl::StrCat(
              "SELECT gid, (extract(epoch FROM pg_catalog.clock_timestamp() - "
              "prepared) * 1000000)::bigint FROM pg_catalog.pg_prepared_xacts "
              "WHERE database = pg_catalog.current_database() AND "
              "pg_catalog.starts_with(gid, ",
              quoted, ") ORDER BY prepared, gid"),
          "SELECT FROM pg_catalog.pg_prepared_xacts"));
  std::vector<PreparedTransaction> prepared;
  for (const auto& row : results.at(0).rows) {
    std::int64_t age = 0;
    if (!absl::SimpleAtoi(row[1], &age)) age = 0;
    prepared.push_back(
        {row[0], absl::Microseconds(std::max<std::int64_t>(0, age))});
  }
  return prepared;
}

absl::StatusOr<TransactionFate> PostgresParticipant::FateOf(
    std::string_view number) {
  SHARD_RETURN_IF_ERROR(CheckTransactionNumber(number));
  const absl::StatusOr<ScriptResults> results =
      conversation_.RunOwn(absl::StrCat("SELECT pg_catalog.pg_xact_status('",
                                        ToAbsl(number), "'::pg_catalog.xid8)"),
                           "SELECT pg_xact_status");
  if (!results.ok()) {
    // "in the future": the digits were looked at.
    if (DatabaseCode(results.status()) != "22023") return results.status();
    return TransactionFate::kForgotten;
  }
  const std::string& fate = results->at(0).rows.at(0).at(0);
  if (fate == "committed") return TransactionFate::kCommitted;
  if (fate == "aborted") return TransactionFate::kAborted;
  if (fate == "in progress") return TransactionFate::kInProgress;
  return TransactionFate::kForgotten;
}

absl::StatusOr<Decision> PostgresParticipant::Settle(const DecisionRow& row,
                                                     std::string_view number,
                                                     absl::Duration patience) {
  return decisions_.Settle(row, number, patience);
}

absl::Status PostgresParticipant::PutDecision(const DecisionRow& row,
                                              std::string_view number,
                                              absl::Duration patience) {
  return decisions_.Put(row, number, patience);
}

absl::StatusOr<std::optional<DecisionRow>> PostgresParticipant::FindDecision(
    std::string_view txn) {
  return decisions_.Find(txn);
}

absl::StatusOr<std::vector<DecisionRow>> PostgresParticipant::ListDecisions() {
  return decisions_.List();
}

absl::Status PostgresParticipant::DeleteDecisions(
    const std::vector<std::string>& txns, absl::Duration) {
  return decisions_.Delete(txns);
}

absl::StatusOr<std::optional<Stamp>> PostgresParticipant::ReadStamp() {
  return ReadPostgresStamp(conversation_);
}

absl::StatusOr<Stamp> PostgresParticipant::PutStamp(const Stamp& stamp) {
  return PutPostgresStamp(conversation_, stamp);
}

absl::StatusOr<std::vector<Finding>> PostgresParticipant::Inspect() {
  return InspectPostgres(conversation_, decisions_);
}

}  // namespace shard::postgres
