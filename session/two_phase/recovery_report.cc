#include "shard/session/two_phase/recovery_report.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"

namespace shard {

std::string RecoveryActionName(RecoveredShare::Action action) {
  switch (action) {
    case RecoveredShare::kCommitted:
      return "committed";
    case RecoveredShare::kRolledBack:
      return "rolled back";
    case RecoveredShare::kLeftAlone:
      return "left alone";
    case RecoveredShare::kForeign:
      return "foreign";
    case RecoveredShare::kFailed:
      return "failed";
    case RecoveredShare::kGone:
      return "gone";
  }
  return "unknown";
}

std::size_t RecoveryReport::Count(RecoveredShare::Action action) const {
  return static_cast<std::size_t>(
      std::count_if(shares.begin(), shares.end(),
                    [&](const auto& share) { return share.action == action; }));
}

bool RecoveryReport::clean() const {
  return problems.empty() && Count(RecoveredShare::kLeftAlone) == 0 &&
         Count(RecoveredShare::kFailed) == 0;
}

std::string RecoveryReport::ToString() const {
  std::string text;
  for (const auto action :
       {RecoveredShare::kCommitted, RecoveredShare::kRolledBack,
        RecoveredShare::kLeftAlone, RecoveredShare::kForeign,
        RecoveredShare::kFailed, RecoveredShare::kGone}) {
    const std::size_t count = Count(action);
    if (count == 0 && action > RecoveredShare::kRolledBack) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", count, " ",
                    RecoveryActionName(action));
  }
  absl::StrAppend(&text, "; ", decisions_removed, " decisions removed, ",
                  decisions_kept, " kept");
  for (const RecoveryProblem& problem : problems) {
    absl::StrAppend(&text, "; '", problem.database,
                    "': ", problem.error.message());
  }
  return text;
}

}  // namespace shard
