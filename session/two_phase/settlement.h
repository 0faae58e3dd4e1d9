// Finding out what was decided, and carrying it out, on fresh connections. All
// is thread-safe, also beside sessions at work and recovery.
#ifndef SHARD_SESSION_TWO_PHASE_SETTLEMENT_H_
#define SHARD_SESSION_TWO_PHASE_SETTLEMENT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"

namespace shard {

// The database of that identity. Connects to those that nobody could connect to
// yet, since any of them may be it; if a dialect is given, only to those of
// that one. No connection is waited for after `until` (but see OpenConnection).
// kNotFound: it is none of the topology; kUnavailable: not as far as they can
// be reached.
absl::StatusOr<Engine*> ReachByIdentity(Topology& topology,
                                        std::string_view identity,
                                        absl::Time until,
                                        const Dialect* dialect = nullptr);

// Asks the database that decides over the transaction what became of it, by
// deciding against it unless it is decided: to look only would miss a COMMIT
// that is still running there. Afterwards the transaction can never become
// anything else. Tries until it has an answer, to `until` at most; the error
// is then that of the last try.
absl::StatusOr<Decision> Settle(Engine& decider, const Gid& transaction,
                                const ParticipantList& participants,
                                absl::Time until);

// What became of the database's own transaction with that number, whose COMMIT
// was lost on its way. Tries until it is over, to `until` at most; then
// kInProgress, or the error of the last try.
absl::StatusOr<TransactionFate> FateUntil(Engine& engine,
                                          const std::string& number,
                                          absl::Time until);

// Ends what is prepared under `gid` as decided. OK too when nothing is prepared
// there any more: once the decision is known, that means that somebody else was
// faster. Tries until it is done, to `until` at most.
absl::Status EndPrepared(Engine& engine, const std::string& gid,
                         Decision decision, absl::Time until);

// Does the work of a follower again, whose own COMMIT failed, if it is decided.
// Tries until it is done, to `until` at most; kFailedPrecondition, at once,
// when rows are in conflict.
absl::Status RedoUntil(Engine& follower, Engine& decider,
                       const FollowerRedo& redo, absl::Time until);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_SETTLEMENT_H_
