// The objects that a session holds, by identity.
#ifndef SHARD_SESSION_IDENTITY_MAP_H_
#define SHARD_SESSION_IDENTITY_MAP_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "shard/session/entity_base.h"
#include "shard/session/identity_key.h"

namespace shard {

// One object for each class, shard and primary key, held weakly: an object that
// nobody uses any more is forgotten. Its last pointer may be released by
// another thread at any time; otherwise not thread-safe.
class IdentityMap {
 public:
  // Null when there is none, or it is gone.
  std::shared_ptr<EntityBase> Find(const IdentityKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second.lock();
  }
  // False as long as every object was on a shard: none is to be found without.
  bool holds_unsharded() const { return holds_unsharded_; }
  // Takes the place of an object of the same identity.
  void Insert(const IdentityKey& key, std::weak_ptr<EntityBase> object) {
    At(key) = std::move(object);
  }
  // Where the object of an identity is or belongs: for finding out whether
  // there is one and putting one there in one step. Valid until the map
  // changes.
  std::weak_ptr<EntityBase>& At(const IdentityKey& key);
  // At(key) is coming: has the memory fetched meanwhile. For many keys in turn;
  // in a large map waiting for memory would be most of the work.
  void Prefetch(const IdentityKey& key) const { objects_.prefetch(key); }
  std::size_t size() const { return objects_.size(); }
  // Does nothing when `object` is not the one in the map.
  void Erase(const EntityBase& object);
  void Clear() { objects_.clear(); }
  // Makes room for `more` objects at once, which is cheaper than bit by bit.
  void Reserve(std::size_t more);

  // Calls `visit` with each object that is still there. `visit` must not change
  // the map.
  template <class F>
  void ForEach(F&& visit) const {
    for (const auto& [key, weak] : objects_) {
      if (const std::shared_ptr<EntityBase> object = weak.lock()) visit(object);
    }
  }

 private:
  void Sweep();

  absl::flat_hash_map<IdentityKey, std::weak_ptr<EntityBase>> objects_;
  std::size_t sweep_at_ = 1024;
  bool holds_unsharded_ = false;
};

IdentityKey IdentityOf(const EntityBase& object);

}  // namespace shard

#endif  // SHARD_SESSION_IDENTITY_MAP_H_
