// Which columns get their values from a key generator.
#ifndef SHARD_SESSION_KEYS_GENERATED_KEY_H_
#define SHARD_SESSION_KEYS_GENERATED_KEY_H_

#include <memory>
#include <utility>
#include <vector>

#include "shard/session/keys/key_generator.h"
#include "shard/sql/column.h"

namespace shard {

// One column of a mapped class. Several may share a generator, and then no two
// of them ever have the same key.
struct GeneratedKey {
  const sql::Column* column = nullptr;
  std::shared_ptr<KeyGenerator> generator = nullptr;
};
using GeneratedKeys = std::vector<GeneratedKey>;

// For SessionOptions::keys: GenerateKey(Order::c.id, generator).
template <class C>
GeneratedKey GenerateKey(const C& mapped_column,
                         std::shared_ptr<KeyGenerator> generator) {
  return {&mapped_column.column(), std::move(generator)};
}

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_GENERATED_KEY_H_
