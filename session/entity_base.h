// What every mapped object has besides its attributes.
#ifndef SHARD_SESSION_ENTITY_BASE_H_
#define SHARD_SESSION_ENTITY_BASE_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "shard/router/shard_id.h"
#include "shard/session/identity_key.h"
#include "shard/session/pending_expressions.h"

namespace shard {

class Engine;
class EntityBase;
class Mapping;

enum class ObjectState : std::uint8_t {
  kTransient,   // unknown to any session
  kPending,     // added, to be inserted by the next flush
  kPersistent,  // has a row
  kDeleted,     // its row was deleted; without a session once that is committed
  kDetached,    // has or had a row, but its session let go of it
};

// What an object asks of the session that holds it.
class ObjectHost {
 public:
  virtual void ObjectChanged(EntityBase& object) = 0;
  // Loads an expired attribute, by its place in the mapping; with it all others
  // that are expired and not deferred, unless it is deferred itself.
  virtual absl::Status LoadExpired(EntityBase& object, std::uint16_t field) = 0;
  // Loads these fields (field i in bit i), deferred or not, with all that are
  // expired and not deferred.
  virtual absl::Status LoadMade(EntityBase& object, std::uint64_t fields) = 0;

 protected:
  ~ObjectHost() = default;
};

// The session's notes on one object. Only session code writes them.
struct InstanceState {
  const Mapping* mapping = nullptr;
  ObjectHost* host = nullptr;  // null unless a session holds the object
  Engine* engine = nullptr;    // where its row is
  KeyValue key;                // its row's primary key, once it has a row
  PendingExpressions expressions;
  ShardId shard;  // its row's shard: the identity token
  ObjectState object_state = ObjectState::kTransient;
  bool dirty = false;                   // in its session's list of changes
  bool expired = false;                 // all of it, since it was last loaded
  bool has_values = false;              // dirty, or loaded since it was expired
  bool marked_deleted = false;          // the next flush deletes its row
  bool key_generated = false;           // by the database, in its INSERT
  bool written_in_transaction = false;  // what it holds may not be committed
  // How deep in nested transactions its row was inserted, from 1; 0: not in
  // this transaction. A rollback up to there makes it transient.
  std::uint16_t inserted_at = 0;
};

// Base of all mapped classes; see entity.h. Always held by std::shared_ptr once
// a session knows it. Used by the thread of its session; only the last release
// of the pointer may happen elsewhere.
class EntityBase : public std::enable_shared_from_this<EntityBase> {
 public:
  EntityBase(const EntityBase&) = delete;
  EntityBase& operator=(const EntityBase&) = delete;
  virtual ~EntityBase() = default;

  ObjectState object_state() const { return state_.object_state; }
  // The shard that the object's row is on; none without a row or shards.
  ShardId shard() const { return state_.shard; }
  const Mapping& mapping() const { return *state_.mapping; }

 protected:
  EntityBase() = default;

 private:
  friend class AttributeBase;
  friend struct InstanceAccess;
  InstanceState state_;
};

// Session code's way to the state of an object.
struct InstanceAccess {
  static InstanceState& State(EntityBase& object) { return object.state_; }
  static const InstanceState& State(const EntityBase& object) {
    return object.state_;
  }
};

}  // namespace shard

#endif  // SHARD_SESSION_ENTITY_BASE_H_
