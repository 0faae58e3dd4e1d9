#include "shard/dialects/postgres/postgres_decisions.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/quoting.h"

namespace shard::postgres {

const char kCommitDurably[] =
    "SELECT pg_catalog.set_config('synchronous_commit', 'on', true) WHERE "
    "pg_catalog.current_setting('synchronous_commit') <> 'remote_apply';";

namespace {

constexpr char kNoSuchTable[] = "42P01";
// By the limit that we set, most likely. That the words tell, in whatever
// language the server speaks, does not matter: nothing was decided.
constexpr char kCancelled[] = "57014";

// Rows that come and go between two statements; a few times is bad luck.
constexpr int kMostTries = 10;

std::string OutcomeText(Decision outcome) {
  return outcome == Decision::kCommit ? "commit" : "abort";
}

Decision OutcomeOf(std::string_view text) {
  return text == "commit" ? Decision::kCommit : Decision::kAbort;
}

// How long a statement waits, for the transaction.
std::string LimitText(absl::Duration patience) {
  const std::int64_t milliseconds = std::clamp<std::int64_t>(
      absl::ToInt64Milliseconds(patience), 1,  // 0 is for ever
      std::numeric_limits<std::int32_t>::max());
  return absl::StrCat("SELECT pg_catalog.set_config('lock_timeout', '",
                      milliseconds,
                      "', true), pg_catalog.set_config('statement_timeout', '",
                      milliseconds, "', true);");
}

// What became of the transaction with that number. One that is not below our
// own was never given out, or was lost in a crash; asking for it is an error.
std::string FateText(std::string_view number) {
  const std::string xid =
      absl::StrCat("'", ToAbsl(number), "'::pg_catalog.xid8");
  return absl::StrCat("CASE WHEN ", xid,
                      " < pg_catalog.pg_current_xact_id() THEN "
                      "pg_catalog.pg_xact_status(",
                      xid, ") ELSE 'aborted' END");
}

absl::Status Explain(const absl::Status& status, const DecisionRow& row) {
  const std::string code = DatabaseCode(status).value_or("");
  if (absl::IsAborted(status) || code == kCancelled) {
    return DatabaseError(
        absl::StatusCode::kAborted,
        absl::StrCat("transaction ", row.txn,
                     " is still in progress; ask again: ", status.message()),
        "", code);
  }
  if (code == kNoSuchTable) {
    return DatabaseError(absl::StatusCode::kFailedPrecondition,
                         absl::StrCat("the database has no table "
                                      "public.shard_decisions, so it is not of "
                                      "a topology: ",
                                      status.message()),
                         "", code);
  }
  return status;
}

DecisionRow RowOf(const std::vector<std::string>& cells) {
  DecisionRow row;
  row.txn = cells[0];
  row.outcome = OutcomeOf(cells[1]);
  row.participants = cells[2];
  row.redo = absl::HexStringToBytes(cells[3]);
  std::int64_t age = 0;
  // A clock that was set back would make it negative.
  if (absl::SimpleAtoi(cells[4], &age)) {
    row.age = absl::Microseconds(std::max<std::int64_t>(0, age));
  }
  return row;
}

}  // namespace

absl::Status CheckTransactionNumber(std::string_view number) {
  constexpr std::size_t kMostDigits = 20;
  if (!number.empty() && number.size() <= kMostDigits &&
      std::all_of(number.begin(), number.end(),
                  [](unsigned char c) { return absl::ascii_isdigit(c); })) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", ToAbsl(number), "' is no number of a transaction of PostgreSQL"));
}

absl::StatusOr<std::string> PostgresDecisions::InsertText(
    const DecisionRow& row) const {
  const Link& link = conversation_.link();
  SHARD_ASSIGN_OR_RETURN(const std::string txn, QuoteLiteral(link, row.txn));
  SHARD_ASSIGN_OR_RETURN(const std::string participants,
                         QuoteLiteral(link, row.participants));
  const std::string redo =
      row.redo.empty()
          ? "NULL"
          : absl::StrCat("pg_catalog.decode('",
                         absl::BytesToHexString(row.redo), "', 'hex')");
  return absl::StrCat(
      "INSERT INTO public.shard_decisions (txn, outcome, participants, redo) "
      "SELECT ",
      txn, ", '", OutcomeText(row.outcome), "', ", participants, ", ", redo);
}

absl::StatusOr<Decision> PostgresDecisions::Settle(const DecisionRow& row,
                                                   std::string_view number,
                                                   absl::Duration patience) {
  DecisionRow abort = row;
  abort.outcome = Decision::kAbort;
  return PutOrFind(abort, number, patience);
}

absl::Status PostgresDecisions::Put(const DecisionRow& row,
                                    std::string_view number,
                                    absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(const Decision standing,
                         PutOrFind(row, number, patience));
  if (standing == row.outcome) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat("transaction ", row.txn,
                                               " is decided already, to ",
                                               OutcomeText(standing)));
}

absl::StatusOr<Decision> PostgresDecisions::PutOrFind(const DecisionRow& row,
                                                      std::string_view number,
                                                      absl::Duration patience) {
  if (!number.empty()) SHARD_RETURN_IF_ERROR(CheckTransactionNumber(number));
  SHARD_ASSIGN_OR_RETURN(const std::string text,
                         PutText(row, number, patience));
  for (int tries = 0; tries < kMostTries; ++tries) {
    const absl::StatusOr<ScriptResults> results =
        conversation_.RunOwnTransaction(
            text, "INSERT INTO public.shard_decisions ON CONFLICT DO NOTHING");
    if (!results.ok()) return Explain(results.status(), row);
    const std::vector<std::string>& found =
        (*results)[results->size() - 2].rows.at(0);  // in front of COMMIT
    if (!found[0].empty()) return OutcomeOf(found[0]);
    if (found[1] == "in progress") {
      return absl::AbortedError(
          absl::StrCat("transaction ", row.txn,
                       " is still in progress at its decider; ask again"));
    }
  }
  return absl::AbortedError(absl::StrCat(
      "the decision over transaction ", row.txn, " comes and goes; ask again"));
}

// INSERT waits for an insert of the same key that is in flight: of the decider,
// whose COMMIT may be on its way, or of another recovery. READ COMMITTED has
// the SELECT behind it see what was waited for.
//
// Only a row says that it was committed, never the fate of the decider's
// number: a server that crashes gives out again the numbers of transactions
// whose log had not reached the disk, and the next owner may commit.
absl::StatusOr<std::string> PostgresDecisions::PutText(
    const DecisionRow& row, std::string_view number,
    absl::Duration patience) const {
  SHARD_ASSIGN_OR_RETURN(const std::string insert, InsertText(row));
  SHARD_ASSIGN_OR_RETURN(const std::string txn,
                         QuoteLiteral(conversation_.link(), row.txn));
  const std::string fate = number.empty() ? "NULL" : FateText(number);
  std::string text = absl::StrCat(LimitText(patience), kCommitDurably, insert);
  if (row.outcome == Decision::kCommit) {
    // By hand, which the decider would take for a decision against itself.
    absl::StrAppend(&text, " WHERE (", fate,
                    ") IS DISTINCT FROM 'in progress'");
  }
  absl::StrAppend(&text, " ON CONFLICT (txn) DO NOTHING;");
  absl::StrAppend(
      &text,
      "SELECT (SELECT outcome FROM public.shard_decisions WHERE txn = ", txn,
      "), ", fate);
  return text;
}

absl::StatusOr<std::vector<DecisionRow>> PostgresDecisions::Read(
    const std::string& condition, const std::string& redo) {
  const absl::StatusOr<ScriptResults> results = conversation_.RunOwn(
      absl::StrCat("SELECT txn, outcome, participants, ", redo,
                   ", (extract(epoch FROM "
                   "pg_catalog.clock_timestamp() - created) * 1000000)::bigint "
                   "FROM public.shard_decisions WHERE ",
                   condition, " ORDER BY created, txn"),
      "SELECT FROM public.shard_decisions");
  if (!results.ok()) {
    if (DatabaseCode(results.status()) != kNoSuchTable) return results.status();
    return std::vector<DecisionRow>();
  }
  std::vector<DecisionRow> rows;
  for (const auto& cells : results->at(0).rows) rows.push_back(RowOf(cells));
  return rows;
}

absl::StatusOr<std::optional<DecisionRow>> PostgresDecisions::Find(
    std::string_view txn) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         QuoteLiteral(conversation_.link(), txn));
  SHARD_ASSIGN_OR_RETURN(
      std::vector<DecisionRow> rows,
      Read(absl::StrCat("txn = ", quoted), "pg_catalog.encode(redo, 'hex')"));
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

absl::StatusOr<std::vector<DecisionRow>> PostgresDecisions::List() {
  return Read("true", "NULL");
}

absl::Status PostgresDecisions::Delete(const std::vector<std::string>& txns) {
  if (txns.empty()) return conversation_.CheckOutsideTransaction();
  std::vector<std::string> quoted;
  for (const std::string& txn : txns) {
    SHARD_ASSIGN_OR_RETURN(quoted.emplace_back(),
                           QuoteLiteral(conversation_.link(), txn));
  }
  // A row that comes back after a crash is deleted again: not worth a sync.
  const absl::Status status =
      conversation_
          .RunOwnTransaction(
              absl::StrCat("SET LOCAL synchronous_commit = off;"
                           "DELETE FROM public.shard_decisions WHERE txn = ANY "
                           "(ARRAY[",
                           absl::StrJoin(quoted, ","), "])"),
              "DELETE FROM public.shard_decisions")
          .status();
  if (DatabaseCode(status) == kNoSuchTable) return absl::OkStatus();
  return status;
}

}  // namespace shard::postgres
