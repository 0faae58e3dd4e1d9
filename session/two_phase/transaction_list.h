// Which transactions over several databases are unfinished. The functions are
// thread-safe, open connections of their own, and may run beside sessions at
// work: what they find is then a moment's picture.
#ifndef SHARD_SESSION_TWO_PHASE_TRANSACTION_LIST_H_
#define SHARD_SESSION_TWO_PHASE_TRANSACTION_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/recovery_report.h"

namespace shard {

struct TransactionEntry {
  enum State {
    kPending,    // decided, and not carried out everywhere yet
    kUndecided,  // prepared somewhere and not decided: at work, or its session
                 // died
    kUnknown,    // prepared somewhere; its decider cannot be read
    kConflict,   // decided; a file that lacks its share was changed past this
                 // library, so that only a person can say what is right
    kFinished,   // a decision that nobody needs any more, or soon
  };
  // Rows and tables of a follower that are not as the transaction left them. A
  // conflict without a table says why else nothing can be applied there.
  struct Conflict {
    std::string database;
    RedoConflict row;
  };
  std::string transaction;  // the gid of the whole
  State state = kUnknown;
  std::string decision;  // "commit", "abort", or empty
  std::string decider;   // name in the topology; empty when it is not in it
  absl::Duration age;    // of its oldest trace
  // Databases whose share is prepared, or, of files that follow, lies with the
  // decider.
  std::vector<std::string> prepared_on;
  std::vector<std::string> participants;  // as its decision has them
  // Databases with a row about it: its decider, and files that followed.
  std::vector<std::string> kept_on;
  std::vector<Conflict> conflicts;
};

// "pending", "undecided", ...
std::string_view TransactionStateName(TransactionEntry::State state);

struct TransactionList {
  std::vector<TransactionEntry> transactions;  // the oldest first
  std::vector<RecoveryProblem> problems;       // what could not be read
};

// Looks; changes nothing. To see whether what a file lacks could be applied,
// its write lock is taken for a moment, where it is free.
TransactionList ListTransactions(Topology& topology,
                                 absl::Duration patience = absl::Seconds(2));

// Whether the database may leave the topology. kFailedPrecondition, naming the
// transactions: it holds prepared shares, or decides over shares that others
// hold; or another database keeps a row about a transaction that it had a part
// in, which recovery could not remove any more without it. kUnavailable: not
// all databases can be read; kNotFound: there is none of that name. Says
// nothing of what sessions do meanwhile: first end those that use the database.
absl::Status CheckRemoval(Topology& topology, std::string_view database,
                          absl::Duration patience = absl::Seconds(2));

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_TRANSACTION_LIST_H_
