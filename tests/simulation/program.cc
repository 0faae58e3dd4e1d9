#include "shard/tests/simulation/program.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/router/topology.h"
#include "shard/session/commit_result.h"
#include "shard/session/share.h"
#include "shard/session/transaction.h"
#include "shard/session/two_phase/recoverer.h"

namespace shard::testing {
namespace {

constexpr std::size_t kMostDatabases = 4;  // of one transaction
constexpr std::size_t kRows = 2;

}  // namespace

class Program::Turn {
 public:
  explicit Turn(Program* program) : program_(*program) {
    program_.world_.WaitFor([this] { return !program_.taken_; });
    program_.taken_ = true;
  }
  ~Turn() { program_.taken_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Program& program_;
};

Program::Program(World* world, Databases* databases, Ledger* ledger)
    : world_(*world), databases_(*databases), ledger_(*ledger) {
  options_.prepare_timeout = absl::Milliseconds(600);
  options_.resolve_timeout = absl::Milliseconds(600);
  options_.finish_timeout = absl::Milliseconds(400);
  options_.lock_timeout = absl::Milliseconds(300);
  options_.recovery.background = false;
  options_.recovery.recover_after = absl::Milliseconds(150);
  options_.recovery.patience = absl::Milliseconds(200);
  if (world->random().OneIn(4)) {
    options_.decision = DecisionMode::kAfterDecision;
  }
  if (world->random().OneIn(3)) {
    const std::size_t named = world->random().Below(databases->size());
    options_.decider = (*databases)[named].name;
  }
}

// What the topology does in its end must not throw, whether the process dies
// or not.
Program::~Program() {
  const World::Shield shield(&world_);
  options_.topology.reset();
}

absl::Status Program::Open() {
  TopologyOptions topology;
  topology.cluster = kCluster;
  topology.databases = databases_.OpenEngines();
  for (const auto& [name, engine] : topology.databases) {
    engines_.push_back(engine);
  }
  SHARD_ASSIGN_OR_RETURN(options_.topology,
                         Topology::Open(std::move(topology)));
  return absl::OkStatus();
}

RecoveryReport Program::RecoverOnce() {
  const Turn turn(this);
  RecoveryReport report = Recover(*options_.topology, options_.recovery);
  world_.Note({"recovery: ", report.ToString()});
  for (const RecoveryProblem& problem : report.problems) {
    world_.Note(
        {"  ", problem.database, ": ", std::string(problem.error.message())});
  }
  return report;
}

void Program::RunPlainWrite(std::size_t database, bool must_succeed) {
  const int tag = ledger_.Begin();
  ledger_[tag].wrote_to = {database};
  Transaction transaction(&options_);
  absl::Status status = WriteOne(transaction, tag, database);
  const Turn turn(this);
  const Ledger::Waiting waiting(&ledger_);
  if (status.ok()) {
    status = transaction.Commit().status();
    Note(tag, status);
  } else {
    transaction.Rollback();
    ledger_.Tell(tag, Attempt::kAborted);
  }
  if (must_succeed && !status.ok()) {
    world_.Violation(absl::StrCat("at the end nobody can write to ",
                                  databases_[database].name, ": ",
                                  status.ToString()));
  }
}

absl::Status Program::WriteOne(Transaction& transaction, int tag,
                               std::size_t database) {
  SHARD_ASSIGN_OR_RETURN(
      Share* const share,
      transaction.ShareFor({engines_[database].get(), ShardId()}));
  SHARD_RETURN_IF_ERROR(transaction.CheckMayWrite({share}));
  CompiledStatement statement;
  statement.text =
      absl::StrCat("write ", tag, " ", world_.random().Below(kRows));
  statement.is_write = true;
  Request request;
  request.statement = &statement;
  return share->Execute(request, nullptr).status();
}

absl::Status Program::WriteTo(Transaction& transaction, int tag,
                              const std::vector<std::size_t>& order) {
  for (const std::size_t database : order) {
    if (world_.random().OneIn(6)) {  // it only reads there
      SHARD_ASSIGN_OR_RETURN(
          Share* const share,
          transaction.ShareFor({engines_[database].get(), ShardId()}));
      // By text, of which nobody knows that before: others join later.
      if (world_.random().Coin()) {
        SHARD_RETURN_IF_ERROR(transaction.RecordFollowers({share}));
      }
      continue;
    }
    SHARD_RETURN_IF_ERROR(WriteOne(transaction, tag, database));
    ledger_[tag].wrote_to.push_back(database);
  }
  return absl::OkStatus();
}

void Program::RunTransaction() {
  const int tag = ledger_.Begin();
  std::vector<std::size_t> order(databases_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    std::swap(order[i], order[i + world_.random().Below(order.size() - i)]);
  }
  order.resize(1 +
               world_.random().Below(std::min(order.size(), kMostDatabases)));
  Transaction transaction(&options_);
  const absl::Status wrote = WriteTo(transaction, tag, order);
  if (!wrote.ok()) {
    const Turn turn(this);
    transaction.Rollback();
    return ledger_.Tell(tag, Attempt::kAborted);
  }
  End(transaction, tag);
}

void Program::End(Transaction& transaction, int tag) {
  const Ledger::Waiting waiting(&ledger_);
  // One share commits by itself, and may run a pass if it is kept back.
  std::optional<Turn> turn;
  if (transaction.shares().size() < 2) turn.emplace(this);
  if (world_.random().OneIn(8)) {
    const absl::Status prepared = transaction.Prepare();
    const bool give_up = world_.random().Coin();
    if (!prepared.ok() || give_up) {
      transaction.Rollback();
      return ledger_.Tell(tag, Attempt::kAborted);
    }
  }
  const absl::StatusOr<CommitResult> result = transaction.Commit();
  if (result.ok()) ledger_[tag].transaction = result->transaction;
  Note(tag, result.status());
  if (!transaction.empty()) transaction.Rollback();  // it was refused
}

void Program::Note(int tag, const absl::Status& status) {
  if (status.ok()) return ledger_.Tell(tag, Attempt::kCommitted);
  world_.Note({"commit: ", std::string(status.message())});
  if (const auto doubt = InDoubtOf(status)) {
    ledger_[tag].transaction = doubt->transaction;
    ledger_.Tell(tag, Attempt::kUnknown);
    const absl::StatusOr<Decision> decision =
        Recoverer::Of(*options_.topology, options_.recovery)
            .Resolve(doubt->transaction,
                     world_.Now() + options_.resolve_timeout);
    if (!decision.ok()) return;
    return ledger_.Tell(tag, *decision == Decision::kCommit
                                 ? Attempt::kCommitted
                                 : Attempt::kAborted);
  }
  const bool answer_lost = AnswerLostOf(status).has_value();
  if (answer_lost && ledger_[tag].wrote_to.size() > 1) {
    world_.Violation("several databases wrote, and it is not in doubt");
  }
  ledger_.Tell(tag, answer_lost ? Attempt::kUnknown : Attempt::kAborted);
}

}  // namespace shard::testing
