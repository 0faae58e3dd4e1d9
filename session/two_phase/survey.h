// What all databases of a topology know of transactions over several of them.
#ifndef SHARD_SESSION_TWO_PHASE_SURVEY_H_
#define SHARD_SESSION_TWO_PHASE_SURVEY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"

namespace shard {

struct SurveyedDatabase {
  std::string name;      // in the topology
  std::string identity;  // empty when it was never reached
  Engine* engine = nullptr;
  std::unique_ptr<Connection> connection;  // null when it cannot be reached
  std::vector<DecisionRow> decisions;
  std::vector<PreparedTransaction> prepared;  // of the topology's cluster
  absl::Status error;                         // why something is missing

  // For the next verb, which then takes no longer than that.
  Participant& Ask(absl::Duration patience);
};

// Opens a connection of its own to every database that outlives this program (a
// private one in memory has nothing to recover, and is left out), then reads
// all decisions, then all that is prepared. In this order, since a share that
// is not prepared any more, although its decision was read before, is finished
// for good. Not thread-safe; must not outlive the topology.
struct Survey {
  // `patience` is for each answer; no connection is waited for after
  // `reach_until` (but see Engine::OpenConnection).
  static Survey Take(Topology& topology, absl::Duration patience,
                     absl::Time reach_until = absl::InfiniteFuture());

  // The database with that identity; null when it is none of the topology's, as
  // far as they could be reached.
  SurveyedDatabase* FindByIdentity(std::string_view identity);
  // Every one could be read.
  bool complete() const;
  // The names of those that could not: "'a', 'b'".
  std::string Missing() const;

  std::vector<SurveyedDatabase> databases;
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_SURVEY_H_
