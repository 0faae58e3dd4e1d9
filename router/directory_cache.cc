#include "shard/router/directory_cache.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>

#include "absl/numeric/int128.h"
#include "absl/types/span.h"
#include "shard/router/placement.h"
#include "shard/sql/value.h"

namespace shard {

// Memory orders: who changes a set makes the version odd, changes the rest by
// release stores, and makes the version even by a release store. A reader that
// loads (by acquire) anything of a change therefore sees, when it loads the
// version again, that it is not the one from before.

DirectoryCache::DirectoryCache(std::size_t most_entries)
    : ways_(std::clamp<std::size_t>(most_entries, 1, kWays)),
      mask_(std::bit_floor(std::max<std::size_t>(most_entries / kWays, 1)) - 1),
      sets_(mask_ + 1) {}

DirectoryCache::Words DirectoryCache::WordsOf(std::string_view key) {
  Words words{};
  std::size_t word = 0, at = 0;
  for (; at + 8 <= key.size(); at += 8) {
    std::memcpy(&words[word++], key.data() + at, 8);
  }
  if (at == key.size()) return words;
  if (std::endian::native == std::endian::little && key.size() >= 8) {
    // The last eight bytes, without those that are in the word before.
    std::memcpy(&words[word], key.data() + key.size() - 8, 8);
    words[word] >>= 8 * (8 - (key.size() - at));
  } else {
    std::memcpy(&words[word], key.data() + at, key.size() - at);
  }
  return words;
}

// Within the process only, so that any hash would do: this one is inlined, and
// mixes two words by one multiplication, as wyhash does.
std::uint64_t DirectoryCache::HashOf(const Words& words, std::size_t size) {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const absl::uint128 product = absl::uint128(a) * b;
    return absl::Uint128Low64(product) ^ absl::Uint128High64(product);
  };
  std::uint64_t hash =
      mix(words[0] ^ 0xa0761d6478bd642f, words[1] ^ size ^ 0xe7037ed1a0b428db);
  if (size > 16) {
    hash ^= mix(words[2] ^ 0x8ebc6af09c88c6e3, words[3] ^ 0x589965cc75374cc3);
  }
  return hash;
}

std::uint64_t DirectoryCache::HashOf(std::string_view key) {
  return key.size() <= kInlineBytes ? HashOf(WordsOf(key), key.size())
                                    : XXH3_64bits(key.data(), key.size());
}

bool DirectoryCache::IsShort(const Slot& slot, std::size_t size,
                             const Words& words) {
  if (slot.size.load(std::memory_order_acquire) != size) return false;
  for (std::size_t i = 0; i < kWords; ++i) {
    if (slot.words[i].load(std::memory_order_acquire) != words[i]) return false;
  }
  return true;
}

std::optional<DirectoryCache::Entry> DirectoryCache::Find(
    std::string_view key) const {
  return key.size() > kInlineBytes ? FindLong(key)
                                   : FindShort(WordsOf(key), key.size());
}

std::optional<DirectoryCache::Entry> DirectoryCache::FindInteger(
    std::int64_t value) const {
  if constexpr (std::endian::native == std::endian::little) {
    // Its encoding: the tag 1, and eight bytes.
    const auto bits = static_cast<std::uint64_t>(value);
    return FindShort({bits << 8 | 1, bits >> 56}, 9);
  }
  const sql::ValueView view = sql::ValueView::Int64(value);
  return Find(EncodeShardKey(absl::MakeConstSpan(&view, 1)).value());
}

std::optional<DirectoryCache::Entry> DirectoryCache::FindShort(
    const Words& words, std::size_t size) const {
  const std::uint64_t hash = HashOf(words, size);
  const Set& set = sets_[IndexOf(hash)];
  while (true) {
    const std::uint32_t version = set.version.load(std::memory_order_acquire);
    if (version % 2 != 0) {
      std::this_thread::yield();  // a few stores, and it is even again
      continue;
    }
    std::optional<Entry> found;
    for (std::size_t i = 0; i < ways_; ++i) {
      if (set.hashes[i].load(std::memory_order_acquire) != hash) continue;
      const Slot& slot = set.slots[i];
      if (!IsShort(slot, size, words)) continue;
      found = {slot.place.load(std::memory_order_acquire),
               slot.read_at.load(std::memory_order_acquire)};
      // (Written once only, since a write takes the line from other readers.)
      if (!slot.used.load(std::memory_order_relaxed)) {
        slot.used.store(true, std::memory_order_relaxed);
      }
      break;
    }
    if (set.version.load(std::memory_order_relaxed) == version) return found;
  }
}

std::optional<DirectoryCache::Entry> DirectoryCache::FindLong(
    std::string_view key) const {
  const std::uint64_t hash = HashOf(key);
  const Set& set = sets_[IndexOf(hash)];
  const std::lock_guard lock(MutexOf(IndexOf(hash)));
  const std::size_t way = WayOf(set, hash, key);
  if (way == ways_) return std::nullopt;
  const Slot& slot = set.slots[way];
  slot.used.store(true, std::memory_order_relaxed);
  return Entry{slot.place.load(std::memory_order_relaxed),
               slot.read_at.load(std::memory_order_relaxed)};
}

std::size_t DirectoryCache::WayOf(const Set& set, std::uint64_t hash,
                                  std::string_view key) const {
  const bool is_short = key.size() <= kInlineBytes;
  const Words words = is_short ? WordsOf(key) : Words{};
  for (std::size_t i = 0; i < ways_; ++i) {
    if (set.hashes[i].load(std::memory_order_relaxed) != hash) continue;
    const Slot& slot = set.slots[i];
    if (slot.size.load(std::memory_order_relaxed) != key.size()) continue;
    if (is_short ? IsShort(slot, key.size(), words) : *slot.long_key == key) {
      return i;
    }
  }
  return ways_;
}

std::size_t DirectoryCache::WayFor(Set& set, std::uint64_t hash,
                                   std::string_view key) {
  if (const std::size_t known = WayOf(set, hash, key); known != ways_) {
    return known;
  }
  for (std::size_t i = 0; i < ways_; ++i) {
    if (set.slots[i].size.load(std::memory_order_relaxed) == 0) {
      entries_.fetch_add(1, std::memory_order_relaxed);
      return i;
    }
  }
  while (true) {
    const std::size_t way = set.hand++ % ways_;
    if (!set.slots[way].used.exchange(false, std::memory_order_relaxed)) {
      return way;
    }
  }
}

std::uint32_t DirectoryCache::Version(std::string_view key) const {
  return sets_[IndexOf(HashOf(key))].version.load(std::memory_order_acquire);
}

void DirectoryCache::Put(std::string_view key, Entry entry,
                         std::uint32_t version) {
  const std::uint64_t hash = HashOf(key);
  Set& set = sets_[IndexOf(hash)];
  const std::lock_guard lock(MutexOf(IndexOf(hash)));
  if (set.version.load(std::memory_order_relaxed) != version) return;
  Write(set, hash, key, entry);
}

void DirectoryCache::Write(Set& set, std::uint64_t hash, std::string_view key,
                           Entry entry) {
  constexpr auto kRelease = std::memory_order_release;
  const std::size_t way = WayFor(set, hash, key);
  Slot& slot = set.slots[way];
  const bool is_short = key.size() <= kInlineBytes;
  const Words words = is_short ? WordsOf(key) : Words{};
  const std::uint32_t version = set.version.load(std::memory_order_relaxed);
  set.version.store(version + 1, std::memory_order_relaxed);
  set.hashes[way].store(hash, kRelease);
  slot.size.store(static_cast<std::uint32_t>(key.size()), kRelease);
  slot.place.store(entry.place, kRelease);
  slot.read_at.store(entry.read_at, kRelease);
  for (std::size_t i = 0; i < kWords; ++i) {
    slot.words[i].store(words[i], kRelease);
  }
  set.version.store(version + 2, kRelease);
  slot.long_key = is_short ? nullptr : std::make_unique<std::string>(key);
  // Not yet: what is asked for once only shall not push out the others.
  slot.used.store(false, std::memory_order_relaxed);
}

void DirectoryCache::Forget(std::string_view key) {
  const std::uint64_t hash = HashOf(key);
  Set& set = sets_[IndexOf(hash)];
  const std::lock_guard lock(MutexOf(IndexOf(hash)));
  const std::size_t way = WayOf(set, hash, key);
  const std::uint32_t version = set.version.load(std::memory_order_relaxed);
  set.version.store(version + 1, std::memory_order_relaxed);
  if (way != ways_) {
    set.slots[way].size.store(0, std::memory_order_release);
    set.slots[way].long_key = nullptr;
    entries_.fetch_sub(1, std::memory_order_relaxed);
  }
  // Also where there is no entry: one may be on its way.
  set.version.store(version + 2, std::memory_order_release);
}

}  // namespace shard
