#include "shard/session/keys/key_generator.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::StatusOr<sql::Value> KeyGenerator::Next() {
  std::vector<sql::ValueView> keys;
  sql::ByteArena arena;
  SHARD_RETURN_IF_ERROR(Take(1, &keys, arena));
  if (keys.size() != 1) {
    return absl::InternalError(
        "a key generator was asked for one key, and "
        "did not give one");
  }
  return sql::Value(keys.front());
}

}  // namespace shard
