// The name of a shard as a small number.
#ifndef SHARD_ROUTER_SHARD_ID_H_
#define SHARD_ROUTER_SHARD_ID_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace shard {

// Equal names have equal ids, in the whole program, for as long as it runs. The
// default is "no shard": an engine of its own. Cheap to copy, compare and hash.
// The numbers mean nothing outside the process; store names.
class ShardId {
 public:
  ShardId() = default;
  // Takes a lock; keep the id where a name is looked up often. Thread-safe.
  static ShardId Of(std::string_view name);

  bool is_none() const { return number_ == 0; }
  // Small; 0 for no shard. For tables that are indexed by shard.
  std::uint32_t number() const { return number_; }
  // "" for no shard. The reference stays valid. Thread-safe.
  const std::string& name() const;

  friend bool operator==(ShardId a, ShardId b) = default;
  template <class H>
  friend H AbslHashValue(H h, ShardId id) {
    return H::combine(std::move(h), id.number_);
  }

 private:
  explicit ShardId(std::uint32_t number) : number_(number) {}
  std::uint32_t number_ = 0;
};

}  // namespace shard

#endif  // SHARD_ROUTER_SHARD_ID_H_
