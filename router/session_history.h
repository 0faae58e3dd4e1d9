// What a router may know of the session that asks it.
#ifndef SHARD_ROUTER_SESSION_HISTORY_H_
#define SHARD_ROUTER_SESSION_HISTORY_H_

#include <cstdint>
#include <optional>

#include "shard/dialects/engine.h"

namespace shard {

// Of a session with one engine. Plain value.
struct EngineHistory {
  // The running transaction is on that engine, where it has read or written
  // before.
  bool in_transaction = false;
  // The session has written there, in the running transaction or in one that it
  // has committed, or tried to. (Text counts as writing.)
  bool wrote = false;
  // Where the log was behind the last of these commits. None: not known, since
  // Engine::NoteLogPositions was not asked for, the database has no such thing,
  // or the commit may come still.
  std::optional<std::uint64_t> position{};
};

// Implemented by the session; good during the call that it is given to. A
// session forgets what it committed when it is closed.
class SessionHistory {
 public:
  virtual EngineHistory With(const Engine& engine) const = 0;
  // The running transaction was begun so as to write nothing, which its
  // databases enforce.
  virtual bool read_only() const = 0;

 protected:
  ~SessionHistory() = default;
};

}  // namespace shard

#endif  // SHARD_ROUTER_SESSION_HISTORY_H_
