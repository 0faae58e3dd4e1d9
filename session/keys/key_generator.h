// Keys that no two shards give twice.
#ifndef SHARD_SESSION_KEYS_KEY_GENERATOR_H_
#define SHARD_SESSION_KEYS_KEY_GENERATOR_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Makes values that are unique over all shards and processes. A database cannot
// number rows that are spread over several; a generator can, and knows the key
// before the row is routed, so that it may be the shard key.
//
// Ready-made: IdBlocks (int64, dense), UuidV7 (UUIDs, asks nobody) and
// TimeOrderedIds (int64, by time). SessionOptions::keys says which columns get
// theirs from which generator.
//
// Thread-safe; shared by all sessions of a program. Override Take for one of
// your own.
class KeyGenerator {
 public:
  virtual ~KeyGenerator() = default;

  // Adds `count` keys to `keys`, in the order in which they are to be used;
  // bytes that they point to are in `arena`. What was taken once is never given
  // again, used or not. An error: `keys` does not matter, and nothing that
  // needed a key is written.
  virtual absl::Status Take(std::size_t count,
                            std::vector<sql::ValueView>* keys,
                            sql::ByteArena& arena) = 0;

  // One key.
  absl::StatusOr<sql::Value> Next();
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_KEY_GENERATOR_H_
