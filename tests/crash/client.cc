#include "shard/tests/crash/client.h"

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/session/commit_result.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/crash/journal.h"
#include "shard/tests/crash/plan.h"
#include "shard/tests/crash/stop_signal.h"
#include "shard/tests/crash/transfer.h"

namespace shard::bank {
namespace {

// What clients meet where servers die and others hold locks. Anything else is
// worth a look.
bool IsExpected(const absl::Status& status) {
  return status.ok() || absl::IsAborted(status) ||
         absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status);
}

class Teller {
 public:
  Teller(const SessionOptions* options, Journal* journal, std::string name,
         std::vector<std::string> homes, std::uint64_t seed)
      : options_(*options),
        journal_(*journal),
        name_(std::move(name)),
        homes_(std::move(homes)),
        random_(seed) {}

  absl::Status Run(const StopSignal& stop) {
    while (!stop.came()) SHARD_RETURN_IF_ERROR(TransferOnce());
    return absl::OkStatus();
  }

 private:
  absl::Status TransferOnce() {
    const Plan plan{name_, ++sequence_,
                    RandomLegs(random_, homes_, kAccountsEach)};
    ShardedSession session(RandomOptions());
    const Attempt attempt = TryTransfer(session, plan, RandomManner(random_));
    SHARD_RETURN_IF_ERROR(journal_.Note(plan.transfer(), attempt.outcome));
    if (attempt.outcome == Outcome::kInDoubt) {
      SHARD_RETURN_IF_ERROR(Resolve(plan, attempt.status));
    }
    if (!IsExpected(attempt.status)) {
      std::fprintf(stderr, "client %s: unexpected: %s\n",
                   plan.transfer().c_str(), attempt.status.ToString().c_str());
    }
    if (!attempt.status.ok()) Pause(attempt.status);
    return absl::OkStatus();
  }

  SessionOptions RandomOptions() {
    SessionOptions options = options_;
    if (Chance(random_, 10)) options.decision = DecisionMode::kAfterDecision;
    // Too little for a server to come back: leaves more in doubt and pending.
    if (Chance(random_, 40)) {
      options.resolve_timeout = absl::Milliseconds(50);
      options.finish_timeout = absl::Milliseconds(50);
    }
    return options;
  }

  // By another session, as somebody would who asks later.
  absl::Status Resolve(const Plan& plan, const absl::Status& status) {
    const auto decision =
        ShardedSession(options_).Resolve(InDoubtOf(status)->transaction);
    if (!decision.ok()) return absl::OkStatus();  // stays in doubt
    return journal_.Note(plan.transfer(), *decision == Decision::kCommit
                                              ? Outcome::kCommitted
                                              : Outcome::kAborted);
  }

  void Pause(const absl::Status& status) {
    const int most = absl::IsAborted(status) ? 10 : 100;
    absl::SleepFor(absl::Milliseconds(Pick(random_, most)));
  }

  const SessionOptions& options_;
  Journal& journal_;
  const std::string name_;
  const std::vector<std::string> homes_;
  Random random_;
  std::int64_t sequence_ = 0;
};

}  // namespace

absl::Status RunClient(const ClientSettings& settings) {
  const StopSignal stop;
  const auto options = OpenBankInTime(settings.databases, stop);
  if (absl::IsCancelled(options.status())) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(options.status());
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Journal> journal,
                         Journal::Create(settings.journal));
  std::vector<absl::Status> results(settings.threads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < settings.threads; ++i) {
    threads.emplace_back([&, i] {
      Teller teller(&*options, journal.get(),
                    absl::StrCat(settings.name, ".", i),
                    NamesOf(settings.databases), settings.seed + i);
      results[i] = teller.Run(stop);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) SHARD_RETURN_IF_ERROR(result);
  return absl::OkStatus();
}

}  // namespace shard::bank
