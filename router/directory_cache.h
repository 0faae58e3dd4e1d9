// What a process remembers of a shard directory.
#ifndef SHARD_ROUTER_DIRECTORY_CACHE_H_
#define SHARD_ROUTER_DIRECTORY_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shard {

// From encoded keys (EncodeShardKey) to small numbers. Never holds more entries
// than it was made for; one that was not asked for lately makes room. All its
// memory, some 80 bytes for each entry, is taken at once.
//
// Thread-safe. Finding a key of up to kInlineBytes takes no lock and writes
// nothing that others read: entries stand in sets of four, each with a number
// that is odd while somebody changes the set and another one afterwards, and a
// reader that saw it change looks again. Longer keys are compared under a lock.
class DirectoryCache {
 public:
  static constexpr std::size_t kInlineBytes = 32;

  struct Entry {
    std::uint32_t place = 0;
    std::int64_t read_at = 0;  // microseconds since 1970
  };

  // At least one entry.
  explicit DirectoryCache(std::size_t most_entries);

  std::optional<Entry> Find(std::string_view key) const;
  // The same as of the encoding of a key of one integer, the commonest.
  std::optional<Entry> FindInteger(std::int64_t value) const;

  // To be asked before an entry is read from the database, and given to Put
  // then: it does nothing when something was changed meanwhile, so that an
  // answer that has become old is not remembered.
  std::uint32_t Version(std::string_view key) const;
  void Put(std::string_view key, Entry entry, std::uint32_t version);

  // Also keeps out what is being read now.
  void Forget(std::string_view key);

  std::size_t entries() const {
    return entries_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kWords = kInlineBytes / 8;
  static constexpr std::size_t kMutexes = 64;
  using Words = std::array<std::uint64_t, kWords>;

  struct alignas(64) Slot {
    std::array<std::atomic<std::uint64_t>, kWords> words{};  // of a short key
    std::atomic<std::int64_t> read_at = 0;
    std::atomic<std::uint32_t> size = 0;  // of the key; 0: empty
    std::atomic<std::uint32_t> place = 0;
    mutable std::atomic<bool> used = false;  // since the hand came by
    // Guarded by the set's mutex, as all changes are; null for a short key.
    std::unique_ptr<std::string> long_key;
  };
  struct alignas(64) Set {
    std::atomic<std::uint32_t> version = 0;
    std::uint32_t hand = 0;  // guarded by the set's mutex
    std::array<std::atomic<std::uint64_t>, kWays> hashes{};
    std::array<Slot, kWays> slots;
  };

  static Words WordsOf(std::string_view key);
  static std::uint64_t HashOf(const Words& words, std::size_t size);
  static std::uint64_t HashOf(std::string_view key);
  static bool IsShort(const Slot& slot, std::size_t size, const Words& words);
  std::size_t IndexOf(std::uint64_t hash) const { return hash & mask_; }
  std::mutex& MutexOf(std::size_t set) const {
    return mutexes_[set % kMutexes];
  }
  std::optional<Entry> FindShort(const Words& words, std::size_t size) const;
  std::optional<Entry> FindLong(std::string_view key) const;
  // Under the set's mutex: where the key is, or ways_.
  std::size_t WayOf(const Set& set, std::uint64_t hash,
                    std::string_view key) const;
  // Where it can be put.
  std::size_t WayFor(Set& set, std::uint64_t hash, std::string_view key);
  void Write(Set& set, std::uint64_t hash, std::string_view key, Entry entry);

  const std::size_t ways_;  // kWays, unless there are fewer entries
  const std::uint64_t mask_;
  std::vector<Set> sets_;
  mutable std::array<std::mutex, kMutexes> mutexes_;
  std::atomic<std::size_t> entries_ = 0;
};

}  // namespace shard

#endif  // SHARD_ROUTER_DIRECTORY_CACHE_H_
