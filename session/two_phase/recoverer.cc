#include "shard/session/two_phase/recoverer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/settlement.h"

namespace shard {
namespace {

// Without a thread, so many decisions are removed together.
constexpr std::size_t kConfirmedAtOnce = 128;

// Nobody should wait long for this, least of all the end of a program.
constexpr absl::Duration kPatience = absl::Milliseconds(500);

absl::Status Remove(Connection& connection,
                    const std::vector<std::string>& txns, bool sync,
                    absl::Time until) {
  Participant& participant = connection.participant();
  connection.set_deadline(until);
  absl::Status status = participant.DeleteDecisions(
      txns, std::max(absl::ZeroDuration(), until - Now()));
  if (status.ok() && sync) status = participant.SyncDecisions();
  connection.set_deadline(absl::InfiniteFuture());
  return status;
}

// The rows of followers go only once the decider's are gone for good: else its
// redo would be applied a second time. Returns what is left to do, since a
// database is down or a writer keeps it locked; of decisions whose own row is
// gone, with those followers alone that still have theirs.
std::vector<ConfirmedDecision> RemoveRows(
    Connection& decider, std::vector<ConfirmedDecision> decisions,
    absl::Time until) {
  std::vector<std::string> txns;
  // In the order of their first transactions, the same in each run.
  std::vector<std::pair<Engine*, std::vector<std::string>>> followers;
  for (const ConfirmedDecision& decision : decisions) {
    txns.push_back(decision.txn);
    for (Engine* follower : decision.followers) {
      auto entry =
          std::find_if(followers.begin(), followers.end(),
                       [&](const auto& e) { return e.first == follower; });
      if (entry == followers.end()) {
        entry = followers.insert(followers.end(), {follower, {}});
      }
      entry->second.push_back(decision.txn);
    }
  }
  if (!Remove(decider, txns, !followers.empty(), until).ok()) return decisions;
  FailPoint("clean.followers");
  for (const auto& [engine, rows] : followers) {
    const auto connection = engine->OpenConnection(until);
    if (!connection.ok() || !Remove(**connection, rows, false, until).ok()) {
      continue;
    }
    for (ConfirmedDecision& decision : decisions) {
      std::erase(decision.followers, engine);
    }
  }
  std::erase_if(decisions,
                [](const auto& each) { return each.followers.empty(); });
  return decisions;
}

}  // namespace

Recoverer& Recoverer::Of(Topology& topology, const RecoveryOptions& options) {
  auto& recoverer = static_cast<Recoverer&>(topology.Service(
      [](Topology& of) { return std::make_unique<Recoverer>(&of); }));
  if (options.background && topology.database_count() > 1) {
    recoverer.EnsureThread(options);
  }
  return recoverer;
}

Recoverer::~Recoverer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  RemoveConfirmed();
}

void Recoverer::EnsureThread(const RecoveryOptions& options) {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable() || stop_) return;
  options_ = options;
  hurry_ = true;  // there may be work left from before
  thread_ = std::thread([this] { Loop(); });
}

void Recoverer::Loop() {
  while (true) {
    RecoveryOptions options;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(
          lock, absl::ToChronoNanoseconds(options_.interval * Jitter(0.8, 1.2)),
          [this] { return stop_ || hurry_; });
      if (stop_) return;
      hurry_ = false;
      options = options_;
    }
    const RecoveryReport report = Run(options);
    if (options.on_pass) options.on_pass(report);
  }
}

RecoveryReport Recoverer::Run(const RecoveryOptions& options) {
  const std::lock_guard one_at_a_time(pass_mutex_);
  redo_wanted_.store(false);
  ConfirmedDecisions confirmed;
  {
    const std::lock_guard lock(mutex_);
    confirmed = std::exchange(confirmed_, {});
  }
  RecoveryReport report = RecoveryPass(&topology_, &options).Run(&confirmed);
  PutBack(std::move(confirmed));
  return report;
}

void Recoverer::PutBack(ConfirmedDecisions left) {
  const std::lock_guard lock(mutex_);
  for (auto& [decider, decisions] : left) {
    std::vector<ConfirmedDecision>& confirmed = confirmed_[decider];
    std::move(decisions.begin(), decisions.end(),
              std::back_inserter(confirmed));
  }
}

void Recoverer::Hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
  }
  wake_.notify_all();
}

void Recoverer::RedoIfWanted(const RecoveryOptions& options) {
  if (redo_wanted_.load()) Run(options);
}

void Recoverer::Confirmed(const Engine* decider, ConfirmedDecision decision,
                          Connection& connection) {
  std::vector<ConfirmedDecision> removable;
  {
    const std::lock_guard lock(mutex_);
    std::vector<ConfirmedDecision>& confirmed = confirmed_[decider];
    confirmed.push_back(std::move(decision));
    const bool remove_now = !thread_.joinable() &&
                            confirmed.size() % kConfirmedAtOnce == 0 &&
                            connection.usable();
    if (remove_now) removable.swap(confirmed);
  }
  if (removable.empty()) return;
  // What is left waits for its turn: or every COMMIT would wait for it.
  PutBack({{decider,
            RemoveRows(connection, std::move(removable), Now() + kPatience)}});
}

void Recoverer::RemoveConfirmed() {
  ConfirmedDecisions confirmed;
  {
    const std::lock_guard lock(mutex_);
    confirmed = std::exchange(confirmed_, {});
  }
  const absl::Time until = Now() + kPatience;
  for (const auto& [name, engine] : topology_.databases()) {
    const auto found = confirmed.find(engine.get());
    if (found == confirmed.end()) continue;
    const auto connection = engine->OpenConnection(until);
    // What is left goes when somebody's recovery finds it old.
    if (connection.ok()) {
      RemoveRows(**connection, std::move(found->second), until);
    }
  }
}

absl::StatusOr<Engine*> Recoverer::DeciderOf(const Gid& gid, absl::Time until) {
  if (gid.cluster != topology_.cluster()) {
    return absl::NotFoundError(
        absl::StrCat("transaction ", gid.Transaction(), " is of cluster '",
                     gid.cluster, "', not of '", topology_.cluster(), "'"));
  }
  absl::StatusOr<Engine*> decider =
      ReachByIdentity(topology_, gid.decider, until);
  if (decider.ok()) return decider;
  return Annotate(decider.status(),
                  absl::StrCat("transaction ", gid.Transaction(),
                               absl::IsNotFound(decider.status())
                                   ? " is decided by another topology"
                                   : " may be decided by a database that "
                                     "cannot be reached"));
}

absl::StatusOr<Decision> Recoverer::Resolve(std::string_view transaction,
                                            absl::Time until) {
  SHARD_ASSIGN_OR_RETURN(const Gid gid, Gid::Parse(transaction));
  SHARD_ASSIGN_OR_RETURN(Engine* const decider, DeciderOf(gid, until));
  SHARD_ASSIGN_OR_RETURN(const Decision decision,
                         Settle(*decider, gid, {gid.Transaction(), {}}, until));
  Survey survey = Survey::Take(
      topology_, std::max(until - Now(), absl::ZeroDuration()), until);
  // What cannot be finished now, recovery will: the answer stands.
  for (const SurveyedDatabase& database : survey.databases) {
    for (const PreparedTransaction& prepared : database.prepared) {
      const auto share = Gid::Parse(prepared.gid);
      if (!share.ok() || share->txn != gid.txn) continue;
      EndPrepared(*database.engine, prepared.gid, decision, until)
          .IgnoreError();
    }
  }
  for (const SurveyedDatabase& database : survey.databases) {
    for (const DecisionRow& row : database.decisions) {
      if (row.txn == gid.txn) RedoFollowersOf(row, gid, *decider, until);
    }
  }
  return decision;
}

void Recoverer::RedoFollowersOf(const DecisionRow& row, const Gid& gid,
                                Engine& decider, absl::Time until) {
  const auto list = ParticipantList::FromJson(row.participants);
  if (!list.ok()) return;
  for (const ParticipantEntry& follower : list->followers) {
    Engine* const engine = topology_.FindByIdentity(follower.identity);
    if (engine == nullptr) continue;
    RedoUntil(*engine, decider, {gid, follower.identity, absl::Seconds(1)},
              until)
        .IgnoreError();
  }
}

RecoveryReport Recover(Topology& topology, const RecoveryOptions& options) {
  RecoveryOptions once = options;
  once.background = false;
  return Recoverer::Of(topology, once).Run(options);
}

}  // namespace shard
