#include "shard/session/identity_map.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace shard {
namespace {

std::uint32_t Hash(const IdentityKey& key) {
  return static_cast<std::uint32_t>(absl::HashOf(key));
}

}  // namespace

IdentityKey IdentityOf(const EntityBase& object) {
  const InstanceState& state = InstanceAccess::State(object);
  return {state.mapping, state.shard, state.key};
}

// The entry whose object has that identity. What was found is kept: it might be
// gone a moment later.
struct IdentityMap::Search {
  bool Matches(std::uint32_t index) const {
    std::shared_ptr<EntityBase> object = (*entries)[index].object.lock();
    if (object == nullptr) {
      vacant = index;
      return false;
    }
    if (!(IdentityOf(*object) == key)) return false;
    found = std::move(object);
    return true;
  }

  const std::vector<Entry>* entries;
  const IdentityKey& key;
  std::uint32_t hash = Hash(key);
  mutable std::shared_ptr<EntityBase> found = nullptr;
  // An entry without an object, of the same hash.
  mutable std::optional<std::uint32_t> vacant = std::nullopt;
};

// The entry of that object, whose identity makes the hash.
struct IdentityMap::SearchForObject {
  bool Matches(std::uint32_t index) const {
    return (*entries)[index].object.lock().get() == object;
  }

  const std::vector<Entry>* entries;
  const EntityBase* object;
  std::uint32_t hash;
};

std::shared_ptr<EntityBase> IdentityMap::Find(const IdentityKey& key) const {
  const Search search{&entries_, key};
  slots_.find(search);
  return std::move(search.found);
}

void IdentityMap::ExpectEntry(ShardId shard) {
  if (entries_.size() >= sweep_at_) Sweep();
  if (shard.is_none()) holds_unsharded_ = true;
}

std::weak_ptr<EntityBase>& IdentityMap::VacantPlace(const Search& search) {
  if (search.vacant.has_value()) return entries_[*search.vacant].object;
  slots_.insert({search.hash, static_cast<std::uint32_t>(entries_.size())});
  return entries_.emplace_back(Entry{{}, search.hash}).object;
}

IdentityMap::Place IdentityMap::At(const IdentityKey& key) {
  ExpectEntry(key.shard);
  const Search search{&entries_, key};
  slots_.find(search);
  if (search.found != nullptr) return {std::move(search.found), nullptr};
  return {nullptr, &VacantPlace(search)};
}

void IdentityMap::Insert(EntityBase& object) {
  ExpectEntry(object.shard());
  const IdentityKey key = IdentityOf(object);
  const Search search{&entries_, key};
  const auto known = slots_.find(search);
  std::weak_ptr<EntityBase>& place = known != slots_.end()
                                         ? entries_[known->entry].object
                                         : VacantPlace(search);
  place = object.weak_from_this();
}

void IdentityMap::Prefetch(const IdentityKey& key) const {
  slots_.prefetch(Search{&entries_, key});
}

void IdentityMap::Erase(const EntityBase& object) {
  const auto found = slots_.find(
      SearchForObject{&entries_, &object, Hash(IdentityOf(object))});
  if (found != slots_.end()) entries_[found->entry].object.reset();
}

void IdentityMap::Clear() {
  slots_.clear();
  entries_.clear();
}

void IdentityMap::Reserve(std::size_t more) {
  if (entries_.size() + more > sweep_at_) Sweep();
  // No sweep while they come: they are all there still.
  const std::size_t wanted = entries_.size() + more;
  sweep_at_ = std::max(sweep_at_, wanted);
  // Many small steps would copy the list at each.
  if (wanted > entries_.capacity()) {
    entries_.reserve(std::max(wanted, entries_.capacity() * 2));
  }
  slots_.reserve(wanted);
}

// So few that the memory of those that are gone is still in the cache.
constexpr std::size_t kFewest = 100;

// Forgets the objects that are gone. Each sweep pays for as many inserts as
// there are objects left, or three times as many where most are held anyway, so
// an insert stays cheap on average.
void IdentityMap::Sweep() {
  const std::size_t gone = std::erase_if(
      entries_, [](const Entry& entry) { return entry.object.expired(); });
  const std::size_t growth = gone > entries_.size() ? 2 : 4;
  sweep_at_ = std::max<std::size_t>(kFewest, entries_.size() * growth);
  entries_.reserve(sweep_at_);  // once, instead of growing there step by step
  slots_.clear();
  slots_.reserve(sweep_at_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    slots_.insert({entries_[i].hash, static_cast<std::uint32_t>(i)});
  }
}

}  // namespace shard
