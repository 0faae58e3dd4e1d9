#include "shard/tests/crash/recovering.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/session/session_options.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/tests/crash/plan.h"
#include "shard/tests/crash/stop_signal.h"

namespace shard::bank {
namespace {

// Passes with these options until `done` likes the report.
template <class Done>
absl::Status PassesUntil(Topology& topology, const RecoveryOptions& options,
                         absl::Time deadline, const Done& done) {
  while (true) {
    const RecoveryReport report = Recover(topology, options);
    if (done(report)) return absl::OkStatus();
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat(
          "recovery does not come to an end: ", report.ToString()));
    }
    absl::SleepFor(absl::Milliseconds(100));
  }
}

}  // namespace

absl::Status RunRecoverer(const std::vector<Database>& databases,
                          std::uint64_t seed) {
  const StopSignal stop;
  const auto options = OpenBankInTime(databases, stop);
  if (absl::IsCancelled(options.status())) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(options.status());
  Random random(seed);
  const RecoveryOptions patient = options->recovery;
  RecoveryOptions hasty = patient;
  hasty.recover_after = absl::ZeroDuration();
  while (!stop.came()) {
    Recover(*options->topology, Chance(random, 30) ? hasty : patient);
    absl::SleepFor(absl::Milliseconds(20 + Pick(random, 300)));
  }
  return absl::OkStatus();
}

absl::Status RecoverAll(const std::vector<Database>& databases,
                        absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(SessionOptions options, OpenBank(databases));
  const absl::Time deadline = absl::Now() + patience;
  RecoveryOptions recovery = options.recovery;
  recovery.recover_after = absl::ZeroDuration();
  recovery.decision_retention = absl::Hours(1);
  SHARD_RETURN_IF_ERROR(
      PassesUntil(*options.topology, recovery, deadline,
                  [](const RecoveryReport& report) { return report.clean(); }));
  recovery.decision_retention = absl::ZeroDuration();
  return PassesUntil(*options.topology, recovery, deadline,
                     [](const RecoveryReport& report) {
                       return report.clean() && report.decisions_kept == 0;
                     });
}

}  // namespace shard::bank
