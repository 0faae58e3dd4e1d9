#include "shard/session/identity_map.h"

#include <algorithm>
#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"

namespace shard {

IdentityKey IdentityOf(const EntityBase& object) {
  const InstanceState& state = InstanceAccess::State(object);
  return {state.mapping, state.shard, state.key};
}

std::weak_ptr<EntityBase>& IdentityMap::At(const IdentityKey& key) {
  if (objects_.size() >= sweep_at_) Sweep();
  if (key.shard.is_none()) holds_unsharded_ = true;
  return objects_[key];
}

void IdentityMap::Reserve(std::size_t more) {
  if (objects_.size() + more > sweep_at_) Sweep();
  // No sweep while they come: they are all there still.
  sweep_at_ = std::max(sweep_at_, objects_.size() + more);
  objects_.reserve(objects_.size() + more);
}

void IdentityMap::Erase(const EntityBase& object) {
  const auto found = objects_.find(IdentityOf(object));
  if (found == objects_.end()) return;
  const std::shared_ptr<EntityBase> held = found->second.lock();
  if (held == nullptr || held.get() == &object) objects_.erase(found);
}

// Forgets the objects that are gone. Each sweep pays for as many inserts as
// there are objects left, so an insert stays cheap on average.
void IdentityMap::Sweep() {
  absl::erase_if(objects_,
                 [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<std::size_t>(1024, objects_.size() * 2);
  objects_.reserve(sweep_at_);  // once, instead of growing there step by step
}

}  // namespace shard
