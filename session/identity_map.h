// The objects that a session holds, by identity.
#ifndef SHARD_SESSION_IDENTITY_MAP_H_
#define SHARD_SESSION_IDENTITY_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "shard/session/entity_base.h"
#include "shard/session/identity_key.h"

namespace shard {

// One object for each class, shard and primary key, held weakly: an object that
// nobody uses any more is forgotten. Its last pointer may be released by
// another thread at any time; otherwise not thread-safe.
//
// The pointers stand in a list in the order in which they came, which is mostly
// the order of the objects in memory, so that going through all of them, and
// letting go of them, does not jump about; a table of hashes leads into it. The
// keys are those that the objects themselves have.
class IdentityMap {
 public:
  // Null when there is none, or it is gone.
  std::shared_ptr<EntityBase> Find(const IdentityKey& key) const;
  // The same, or else where the object of that identity belongs: for finding
  // out whether there is one and putting one there in one step. The place is
  // null when there is one, and valid until the map changes.
  struct Place {
    std::shared_ptr<EntityBase> known;
    std::weak_ptr<EntityBase>* place;
  };
  Place At(const IdentityKey& key);
  // False as long as every object was on a shard: none is to be found without.
  bool holds_unsharded() const { return holds_unsharded_; }
  // Under the identity in its state. Takes the place of another object.
  void Insert(EntityBase& object);
  // At(key) is coming: has the memory fetched meanwhile. For many keys in turn;
  // in a large map waiting for memory would be most of the work.
  void Prefetch(const IdentityKey& key) const;
  std::size_t size() const { return entries_.size(); }
  // Does nothing when `object` is not in the map under its identity.
  void Erase(const EntityBase& object);
  void Clear();
  // Makes room for `more` objects at once, which is cheaper than bit by bit.
  void Reserve(std::size_t more);

  // Calls `visit` with each object that is still there. `visit` may erase
  // objects; it must not insert any.
  template <class F>
  void ForEach(F&& visit) {
    for (Entry& entry : entries_) {
      if (const std::shared_ptr<EntityBase> object = entry.object.lock()) {
        visit(object);
      } else {
        entry.object.reset();  // its memory waits for that
      }
    }
  }

 private:
  // Without an object, or with one that is gone, it waits for another of that
  // hash, or for a sweep.
  struct Entry {
    std::weak_ptr<EntityBase> object;
    std::uint32_t hash;
  };
  // In the table: an entry, by its place in the list.
  struct Slot {
    std::uint32_t hash;
    std::uint32_t entry;
  };
  struct Search;
  struct SearchForObject;
  // 32 bits of a hash tell ten million objects apart well enough.
  struct HashOfSlot {
    using is_transparent = void;
    template <class T>
    std::size_t operator()(const T& slot_or_search) const {
      return slot_or_search.hash;
    }
  };
  struct Matches {
    using is_transparent = void;
    bool operator()(const Slot& a, const Slot& b) const {
      return a.entry == b.entry;
    }
    template <class S>
    bool operator()(const Slot& slot, const S& search) const {
      return slot.hash == search.hash && search.Matches(slot.entry);
    }
  };

  // Before a search, since it may sweep: an object on that shard may come.
  void ExpectEntry(ShardId shard);
  // Where an object goes that the search has not found.
  std::weak_ptr<EntityBase>& VacantPlace(const Search& search);
  void Sweep();

  std::vector<Entry> entries_;
  absl::flat_hash_set<Slot, HashOfSlot, Matches> slots_;
  std::size_t sweep_at_ = 100;
  bool holds_unsharded_ = false;
};

IdentityKey IdentityOf(const EntityBase& object);

}  // namespace shard

#endif  // SHARD_SESSION_IDENTITY_MAP_H_
