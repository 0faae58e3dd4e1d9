#include "shard/session/two_phase/settlement.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/dialect.h"
#include "shard/session/two_phase/patience.h"

namespace shard {
namespace {

// How long one try waits for a COMMIT in flight before it begins anew, on a
// connection that may be a better one.
constexpr absl::Duration kOneTry = absl::Seconds(2);

absl::StatusOr<Decision> SettleOnce(Engine& decider, const DecisionRow& row,
                                    const std::string& number,
                                    const Patience& patience) {
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                         decider.OpenConnection(patience.until()));
  connection->set_deadline(patience.until());
  FailPoint("settle.send");
  absl::StatusOr<Decision> decision = connection->participant().Settle(
      row, number, std::min(kOneTry, patience.left()));
  FailPoint("settle.answered");
  return decision;
}

absl::StatusOr<TransactionFate> FateOnce(Engine& engine,
                                         const std::string& number,
                                         const Patience& patience) {
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                         engine.OpenConnection(patience.until()));
  connection->set_deadline(patience.until());
  FailPoint("fate.send");
  absl::StatusOr<TransactionFate> fate =
      connection->participant().FateOf(number);
  FailPoint("fate.answered");
  return fate;
}

absl::Status EndOnce(Engine& engine, const std::string& gid, Decision decision,
                     const Patience& patience) {
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                         engine.OpenConnection(patience.until()));
  connection->set_deadline(patience.until());
  FailPoint("end.send");
  SHARD_RETURN_IF_ERROR(connection->participant().StartEnd(gid, decision));
  const absl::Status status = connection->participant().FinishEnd();
  FailPoint("end.answered");
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status RedoOnce(Engine& follower, Engine& decider, FollowerRedo redo,
                      const Patience& patience) {
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> asked,
                         decider.OpenConnection(patience.until()));
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                         follower.OpenConnection(patience.until()));
  redo.patience = std::min(redo.patience, patience.left());
  return RedoFollower(connection->participant(), asked->participant(), redo)
      .status();
}

// Another try would find the same: rows in conflict, a wrong database, a redo
// that cannot be read.
bool IsPermanent(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsDataLoss(status);
}

// Whether there is time for another try, after a pause.
bool MayTryAgain(Patience& patience) {
  return patience.Wait() && patience.left() > absl::ZeroDuration();
}

}  // namespace

absl::StatusOr<Engine*> ReachByIdentity(Topology& topology,
                                        std::string_view identity,
                                        absl::Time until,
                                        const Dialect* dialect) {
  Engine* engine = topology.FindByIdentity(identity);
  absl::Status unreached;
  for (const auto& [name, other] : topology.databases()) {
    if (engine != nullptr) break;
    if (other->is_private() || !topology.IdentityOf(name).empty()) continue;
    if (dialect != nullptr && other->dialect().name() != dialect->name()) {
      continue;
    }
    // Connecting reads its stamp.
    const absl::Status connected = other->OpenConnection(until).status();
    if (!connected.ok()) unreached = connected;
    engine = topology.FindByIdentity(identity);
  }
  if (engine != nullptr) return engine;
  if (!unreached.ok()) return absl::UnavailableError(unreached.message());
  return absl::NotFoundError(absl::StrCat(
      "no database of the topology has the identity ", std::string(identity)));
}

absl::StatusOr<Decision> Settle(Engine& decider, const Gid& transaction,
                                const ParticipantList& participants,
                                absl::Time until) {
  DecisionRow row;
  row.txn = transaction.txn;
  row.outcome = Decision::kAbort;
  row.participants = participants.ToJson();
  Patience patience(until);
  while (true) {
    absl::StatusOr<Decision> decision =
        SettleOnce(decider, row, transaction.DeciderNumber(), patience);
    if (decision.ok() || !patience.Wait()) return decision;
  }
}

absl::StatusOr<TransactionFate> FateUntil(Engine& engine,
                                          const std::string& number,
                                          absl::Time until) {
  Patience patience(until);
  while (true) {
    const auto fate = FateOnce(engine, number, patience);
    const bool over = fate.ok() && *fate != TransactionFate::kInProgress;
    if (over || !MayTryAgain(patience)) return fate;
  }
}

absl::Status EndPrepared(Engine& engine, const std::string& gid,
                         Decision decision, absl::Time until) {
  Patience patience(until);
  while (true) {
    const absl::Status status = EndOnce(engine, gid, decision, patience);
    if (status.ok() || !MayTryAgain(patience)) return status;
  }
}

absl::Status RedoUntil(Engine& follower, Engine& decider,
                       const FollowerRedo& redo, absl::Time until) {
  Patience patience(until);
  while (true) {
    const absl::Status status = RedoOnce(follower, decider, redo, patience);
    if (status.ok() || IsPermanent(status) || !MayTryAgain(patience)) {
      return status;
    }
  }
}

}  // namespace shard
