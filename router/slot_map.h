// Which shard has which slots, written down.
#ifndef SHARD_ROUTER_SLOT_MAP_H_
#define SHARD_ROUTER_SLOT_MAP_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/config_node.h"

namespace shard {

// First slot of each range, rising from 0, and its shard: as
// HashStrategy::FromSlots takes it.
using SlotRanges = std::vector<std::pair<std::uint32_t, std::string>>;

// {"0-2047": "eu", "2048-4095": "us"}, in any order; one slot may stand alone
// ("7"). kInvalidArgument names the first slot that is missing or stands there
// twice, a range that is none, and a shard that is none of `shards`.
absl::StatusOr<SlotRanges> ReadSlotMap(const ConfigNode& slots,
                                       const std::vector<std::string>& shards);

}  // namespace shard

#endif  // SHARD_ROUTER_SLOT_MAP_H_
