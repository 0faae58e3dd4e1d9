#include "shard/tests/simulation/ledger.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"

namespace shard::testing {
namespace {

const char* Words(Attempt::Told told) {
  switch (told) {
    case Attempt::kNothing:
      return "nothing";
    case Attempt::kCommitted:
      return "committed";
    case Attempt::kAborted:
      return "aborted";
    case Attempt::kUnknown:
      return "unknown";
  }
  return "";
}

}  // namespace

int Ledger::Begin() {
  attempts_.emplace_back();
  attempts_.back().tag = static_cast<int>(attempts_.size());
  return attempts_.back().tag;
}

void Ledger::Tell(int tag, Attempt::Told told) {
  (*this)[tag].told = told;
  world_.Note(
      {"transaction ", std::to_string(tag), " was told: ", Words(told)});
}

void Ledger::Audit(Databases& databases) const {
  for (const Attempt& attempt : attempts_) AuditOne(attempt, databases);
}

void Ledger::AuditOne(const Attempt& attempt, Databases& databases) const {
  std::size_t there = 0;
  std::string where;
  bool twice = false, astray = false;
  for (std::size_t index = 0; index < databases.size(); ++index) {
    const std::size_t count = databases[index].Count(attempt.tag);
    const bool wrote =
        std::find(attempt.wrote_to.begin(), attempt.wrote_to.end(), index) !=
        attempt.wrote_to.end();
    there += wrote && count > 0 ? 1 : 0;
    twice = twice || count > 1;
    astray = astray || (!wrote && count > 0);
    if (wrote || count > 0) {
      absl::StrAppend(&where, " ", databases[index].name, "=", count);
    }
  }
  const std::size_t all = attempt.wrote_to.size();
  const bool torn = astray || (there != 0 && there != all);
  const bool lost =
      attempt.told == Attempt::kCommitted && there == 0 && all != 0;
  const bool risen = attempt.told == Attempt::kAborted && there != 0;
  if (!torn && !twice && !lost && !risen) return;
  world_.Violation(absl::StrCat("transaction ", attempt.tag, " (",
                                attempt.transaction, ") is ",
                                torn    ? "torn"
                                : twice ? "applied twice"
                                : lost  ? "lost"
                                        : "there although it was aborted",
                                ":", where, "; told: ", Words(attempt.told)));
}

}  // namespace shard::testing
