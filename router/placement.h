// Placement "xxh3-v1": from a shard key to one of 4096 slots.
//
// Never changes: between processes, builds or releases the same key has the
// same slot, or rows would be looked for on the wrong shard. A key is encoded
// as a tag byte and a payload, then slot = XXH3_64bits(encoded, seed 0) >> 52:
//
//   1  integers of every width   int64, little-endian
//   2  text                      UTF-8 as it is, compared by bytes
//   3  bytes                     as they are
//   4  UUID                      16 bytes
//   5  date                      int32 days since 1970-01-01, little-endian
//   6  timestamp                 int64 microseconds UTC, little-endian
//   7  decimal                   its shortest text (1.00 is "1", -0 is "0")
//
// A composite key is its encoded parts, each behind its length as uint32
// little-endian. Double, bool, JSON and NULL are no keys.
// XXH3: https://github.com/Cyan4973/xxHash
#ifndef SHARD_ROUTER_PLACEMENT_H_
#define SHARD_ROUTER_PLACEMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

inline constexpr char kPlacementName[] = "xxh3-v1";
inline constexpr std::uint32_t kSlotCount = 4096;

// Whether a column of this type can be (part of) a shard key.
bool CanBeShardKey(sql::ValueType type);

// 0 to 4095. kInvalidArgument for no parts, NULL, or a type that is no key.
absl::StatusOr<std::uint32_t> SlotOf(absl::Span<const sql::ValueView> key);

// An encoded key of up to kMostBytes bytes, without memory of its own. The
// bytes behind it are zero, up to the next multiple of eight at least.
struct ShortKey {
  static constexpr std::size_t kMostBytes = 64;
  alignas(8) char bytes[kMostBytes];
  std::size_t size = 0;

  std::string_view view() const { return {bytes, size}; }
};

// False, with nothing said about why, for a key that is longer or none, and for
// decimals; EncodeShardKey tells. For look-ups, where a string costs too much.
bool EncodeShortKey(absl::Span<const sql::ValueView> key, ShortKey* out);

// What is hashed.
absl::StatusOr<std::string> EncodeShardKey(
    absl::Span<const sql::ValueView> key);

}  // namespace shard

#endif  // SHARD_ROUTER_PLACEMENT_H_
