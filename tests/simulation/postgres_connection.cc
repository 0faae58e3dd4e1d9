#include "shard/tests/simulation/postgres_connection.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"

namespace shard::testing {
namespace {

absl::Status Lost() { return absl::UnavailableError("the connection is lost"); }

}  // namespace

PostgresSimulatedConnection::PostgresSimulatedConnection(
    World* world, PostgresServer* server, std::shared_ptr<PostgresLine> line)
    : world_(*world),
      server_(*server),
      line_(std::move(line)),
      why_not_(server->can_prepare() ? "" : "max_prepared_transactions is 0") {}

PostgresSimulatedConnection::~PostgresSimulatedConnection() {
  const Process* const process = world_.process();
  server_.Close(line_, process != nullptr && process->lost_power());
}

absl::Status PostgresSimulatedConnection::Send(std::string verb, Run run) {
  if (!usable() || !world_.may_go_on()) return Lost();
  world_.Step();
  if (!usable()) return Lost();
  answer_ = std::make_shared<PostgresAnswer>();
  world_.Note({server_.name(), " <- ", verb});
  line_->sent.push_back({std::move(verb), std::move(run), answer_});
  return absl::OkStatus();
}

absl::Status PostgresSimulatedConnection::Receive() {
  const bool heard = world_.WaitFor(
      [this] { return answer_->there || line_->cut; }, deadline_);
  if (!world_.may_go_on()) return Lost();
  absl::Status status;
  if (!heard) {
    lost_ = true;
    server_.Close(line_, false);
    status = absl::DeadlineExceededError("no answer in time");
  } else {
    status = answer_->there ? answer_->status : Lost();
  }
  world_.Note(
      {server_.name(), " -> ", absl::StatusCodeToString(status.code())});
  world_.Step();
  return status;
}

absl::Status PostgresSimulatedConnection::Ask(std::string verb, Run run) {
  SHARD_RETURN_IF_ERROR(Send(std::move(verb), std::move(run)));
  return Receive();
}

absl::Status PostgresSimulatedConnection::StartWrite(int tag, int row) {
  return Send(absl::StrCat("write ", tag),
              [server = &server_, tag, row, limit = lock_limit_](
                  PostgresBackend& backend, PostgresAnswer& answer) {
                answer.status = server->Write(backend, tag, row, limit);
              });
}

absl::Status PostgresSimulatedConnection::Ping() {
  return Ask("ping", [](PostgresBackend&, PostgresAnswer&) {});
}

absl::Status PostgresSimulatedConnection::LimitLockWaits(absl::Duration limit) {
  lock_limit_ = limit;
  return absl::OkStatus();
}

absl::Status PostgresSimulatedConnection::StartScript(std::string_view sql) {
  script_ = sql;
  if (script_ == "BEGIN") {  // the server hears of it later
    in_transaction_ = true;
    return absl::OkStatus();
  }
  const bool commit = script_ == "COMMIT";
  if (!commit && script_ != "ROLLBACK") return NoSql();
  in_transaction_ = false;
  // Pools roll back in destructors.
  std::optional<World::Shield> shield;
  if (!commit) shield.emplace(&world_);
  return Send(script_, [server = &server_, commit](PostgresBackend& backend,
                                                   PostgresAnswer& answer) {
    if (commit) {
      answer.status = server->Commit(backend);
    } else {
      server->Rollback(backend);
    }
  });
}

absl::Status PostgresSimulatedConnection::FinishScript() {
  std::optional<World::Shield> shield;
  if (script_ == "ROLLBACK") shield.emplace(&world_);
  return script_ == "BEGIN" ? absl::OkStatus() : Receive();
}

absl::Status PostgresSimulatedConnection::StartLook() {
  return Send("look", [server = &server_](PostgresBackend& backend,
                                          PostgresAnswer& answer) {
    answer.work = server->Look(backend);
  });
}

absl::StatusOr<WorkDone> PostgresSimulatedConnection::FinishLook() {
  SHARD_RETURN_IF_ERROR(Receive());
  return answer_->work;
}

absl::Status PostgresSimulatedConnection::StartPrepare(std::string_view gid) {
  in_transaction_ = false;
  return Send(absl::StrCat("PREPARE ", ToAbsl(gid)),
              [server = &server_, gid = std::string(gid)](
                  PostgresBackend& backend, PostgresAnswer& answer) {
                answer.status = server->Prepare(backend, gid);
              });
}

absl::Status PostgresSimulatedConnection::FinishPrepare() { return Receive(); }

absl::Status PostgresSimulatedConnection::StartDecide(const DecisionRow& row) {
  return Send(absl::StrCat("INSERT commit; COMMIT ", row.txn),
              [server = &server_, row](PostgresBackend& backend,
                                       PostgresAnswer& answer) {
                answer.status = server->Decide(backend, row);
              });
}

absl::Status PostgresSimulatedConnection::FinishDecide() {
  const absl::Status status = Receive();
  in_transaction_ = absl::IsAlreadyExists(status);
  return status;
}

absl::Status PostgresSimulatedConnection::StartEnd(std::string_view gid,
                                                   Decision decision) {
  return Send(
      absl::StrCat(decision == Decision::kCommit ? "COMMIT" : "ROLLBACK",
                   " PREPARED ", ToAbsl(gid)),
      [server = &server_, gid = std::string(gid), decision](
          PostgresBackend&, PostgresAnswer& answer) {
        answer.status = server->End(gid, decision);
      });
}

absl::Status PostgresSimulatedConnection::FinishEnd() { return Receive(); }

absl::StatusOr<std::vector<PreparedTransaction>>
PostgresSimulatedConnection::ListPrepared(std::string_view prefix) {
  SHARD_RETURN_IF_ERROR(
      Ask("list prepared", [server = &server_, prefix = std::string(prefix)](
                               PostgresBackend&, PostgresAnswer& answer) {
        answer.prepared = server->ListPrepared(prefix);
      }));
  return answer_->prepared;
}

absl::StatusOr<TransactionFate> PostgresSimulatedConnection::FateOf(
    std::string_view number) {
  std::uint64_t xid = 0;
  if (!absl::SimpleAtoi(ToAbsl(number), &xid)) {
    return absl::InvalidArgumentError("no number of a transaction");
  }
  SHARD_RETURN_IF_ERROR(
      Ask(absl::StrCat("fate of ", xid),
          [server = &server_, xid](PostgresBackend&, PostgresAnswer& answer) {
            answer.fate = server->FateOf(xid);
          }));
  return answer_->fate;
}

absl::StatusOr<Decision> PostgresSimulatedConnection::Settle(
    const DecisionRow& row, std::string_view number, absl::Duration patience) {
  DecisionRow abort = row;
  abort.outcome = Decision::kAbort;
  SHARD_RETURN_IF_ERROR(
      Ask(absl::StrCat("settle ", row.txn),
          [server = &server_, abort, number = std::string(number), patience](
              PostgresBackend&, PostgresAnswer& answer) {
            const auto decision = server->PutOrFind(abort, number, patience);
            answer.status = decision.status();
            if (decision.ok()) answer.decision = *decision;
          }));
  return answer_->decision;
}

absl::Status PostgresSimulatedConnection::PutDecision(const DecisionRow& row,
                                                      std::string_view number,
                                                      absl::Duration patience) {
  SHARD_RETURN_IF_ERROR(
      Ask(absl::StrCat("put ", row.txn),
          [server = &server_, row, number = std::string(number), patience](
              PostgresBackend&, PostgresAnswer& answer) {
            const auto decision = server->PutOrFind(row, number, patience);
            answer.status = decision.status();
            if (decision.ok()) answer.decision = *decision;
          }));
  if (answer_->decision == row.outcome) return absl::OkStatus();
  return absl::AlreadyExistsError("it is decided already");
}

absl::StatusOr<std::optional<DecisionRow>>
PostgresSimulatedConnection::FindDecision(std::string_view txn) {
  SHARD_ASSIGN_OR_RETURN(const std::vector<DecisionRow> rows, ListDecisions());
  for (const DecisionRow& row : rows) {
    if (row.txn == txn) return row;
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<DecisionRow>>
PostgresSimulatedConnection::ListDecisions() {
  SHARD_RETURN_IF_ERROR(
      Ask("list decisions",
          [server = &server_](PostgresBackend&, PostgresAnswer& answer) {
            answer.rows = server->ListDecisions();
          }));
  return answer_->rows;
}

absl::Status PostgresSimulatedConnection::DeleteDecisions(
    const std::vector<std::string>& txns, absl::Duration) {
  return Ask(absl::StrCat("DELETE decisions ", txns.size()),
             [server = &server_, txns](PostgresBackend&, PostgresAnswer&) {
               server->DeleteDecisions(txns);
             });
}

absl::StatusOr<std::optional<Stamp>> PostgresSimulatedConnection::ReadStamp() {
  if (!usable()) return Lost();
  return server_.stamp();
}

absl::StatusOr<Stamp> PostgresSimulatedConnection::PutStamp(const Stamp&) {
  return absl::AlreadyExistsError("simulated databases have their stamps");
}

absl::StatusOr<std::unique_ptr<Connection>> PostgresSimulatedOpener::Open() {
  if (!world_.may_go_on()) return Lost();
  world_.Step();
  std::shared_ptr<PostgresLine> line = server_.Connect();
  if (line == nullptr) return absl::UnavailableError("connection refused");
  return std::make_unique<PostgresSimulatedConnection>(&world_, &server_,
                                                       std::move(line));
}

}  // namespace shard::testing
