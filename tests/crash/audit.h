// The judgement.
#ifndef SHARD_TESTS_CRASH_AUDIT_H_
#define SHARD_TESTS_CRASH_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shard/tests/crash/records.h"

namespace shard::bank {

struct Findings {
  // Recorded whole.
  std::size_t transfers = 0;
  // Contradictions within the databases: a transfer recorded in part; an
  // account whose balance is not what its transfers make it, or whose versions
  // have gaps or repeat; a sum of all balances that changed; transfers that
  // came in one order to one account and in another to the next; a damaged
  // file.
  std::size_t torn = 0;
  // Clients that were told an untruth: committed or pending, and it is not
  // recorded whole; aborted, and something is recorded.
  std::size_t lost = 0;
  // What recovery left: prepared shares, decisions, locks, marks.
  std::size_t indoubt = 0;
  // Each of them, in words.
  std::vector<std::string> details;
};

// `opening_balance`: what every account began with.
Findings Audit(const Records& records, std::int64_t opening_balance);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_AUDIT_H_
