// Memory for the bytes that a batch of values points to.
#ifndef SHARD_SQL_BYTE_ARENA_H_
#define SHARD_SQL_BYTE_ARENA_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace shard::sql {

// Hands out copies of byte strings that stay put until Clear() or destruction.
// Clear() keeps the largest block, so a batch that is refilled again and again
// does not allocate. Not thread-safe.
class ByteArena {
 public:
  ByteArena() = default;
  ByteArena(ByteArena&&) = default;
  ByteArena& operator=(ByteArena&&) = default;

  std::string_view Copy(std::string_view bytes) {
    if (bytes.empty()) return {};
    char* out = Allocate(bytes.size());
    std::memcpy(out, bytes.data(), bytes.size());
    return {out, bytes.size()};
  }

  // `size` bytes, not initialised.
  char* Allocate(std::size_t size) {
    if (size > capacity_ - used_ || blocks_.empty()) Grow(size);
    char* out = blocks_.back().get() + used_;
    used_ += size;
    return out;
  }

  void Clear() {
    if (blocks_.size() > 1) {
      // The last block is the largest: blocks only grow.
      blocks_.erase(blocks_.begin(), blocks_.end() - 1);
    }
    used_ = 0;
  }

 private:
  void Grow(std::size_t size) {
    capacity_ = std::max({size, capacity_ * 2, std::size_t{1024}});
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(capacity_));
    used_ = 0;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t capacity_ = 0;  // of the last block
  std::size_t used_ = 0;      // in the last block
};

}  // namespace shard::sql

#endif  // SHARD_SQL_BYTE_ARENA_H_
