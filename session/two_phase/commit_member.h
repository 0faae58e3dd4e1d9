// A database's part in a commit.
#ifndef SHARD_SESSION_TWO_PHASE_COMMIT_MEMBER_H_
#define SHARD_SESSION_TWO_PHASE_COMMIT_MEMBER_H_

#include <string>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"

namespace shard {

// What the atomic commit knows of one database that the transaction came to.
// The engine and the connection, in its transaction, are the caller's.
struct CommitMember {
  enum class Work { kUnknown, kRead, kWrote };
  // kPrepared: or ready to follow.
  enum class State { kOpen, kPrepared, kCommitted, kPending, kOver };

  Engine* engine = nullptr;
  Connection* connection = nullptr;
  Work work = Work::kUnknown;

  // Filled in as the commit goes on.
  std::string name;      // in the topology; else the engine's
  std::string identity;  // in the stamp; empty outside of a topology
  std::string number;    // the database's own, of the transaction, if asked
  std::string gid;       // once it is to be prepared, or to follow
  bool follows = false;  // it cannot prepare, and its work is recorded
  std::string redo;      // of a follower that is ready
  State state = State::kOpen;
  absl::Status error;  // why it is not committed

  bool wrote() const { return work == Work::kWrote; }
  bool can_prepare() const { return connection->participant().can_prepare(); }
  bool recorded() const { return connection->participant().recording(); }
  // False: what it holds is gone with the program, so nobody relies on it.
  bool durable() const { return connection->participant().durable(); }
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_COMMIT_MEMBER_H_
