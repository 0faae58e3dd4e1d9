// Which transactions over several databases are unfinished.
#ifndef SHARD_SESSION_TWO_PHASE_TRANSACTION_LIST_H_
#define SHARD_SESSION_TWO_PHASE_TRANSACTION_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/recovery_report.h"

namespace shard {

struct TransactionEntry {
  enum State {
    kPending,    // decided, and not carried out everywhere yet
    kUndecided,  // prepared somewhere and not decided: at work, or its session
                 // died
    kUnknown,    // prepared somewhere; its decider cannot be read
    kFinished,   // a decision that nobody needs any more, or soon
  };
  std::string transaction;  // the gid of the whole
  State state = kUnknown;
  std::string decision;  // "commit", "abort", or empty
  std::string decider;   // name in the topology; empty when it is not in it
  absl::Duration age;    // of its oldest trace
  std::vector<std::string> prepared_on;   // databases that still hold a share
  std::vector<std::string> participants;  // as its decision has them
};

// "pending", "undecided", ...
std::string_view TransactionStateName(TransactionEntry::State state);

struct TransactionList {
  std::vector<TransactionEntry> transactions;  // the oldest first
  std::vector<RecoveryProblem> problems;       // what could not be read
};

// Looks; changes nothing.
TransactionList ListTransactions(Topology& topology,
                                 absl::Duration patience = absl::Seconds(2));

// Whether the database may leave the topology. kFailedPrecondition, naming the
// transactions: it holds prepared shares, or decides over shares that others
// hold; kUnavailable: not all databases can be read; kNotFound: there is none
// of that name.
absl::Status CheckRemoval(Topology& topology, std::string_view database,
                          absl::Duration patience = absl::Seconds(2));

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_TRANSACTION_LIST_H_
