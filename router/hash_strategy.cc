#include "shard/router/hash_strategy.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/router/placement.h"
#include "shard/router/shard_names.h"

namespace shard {

absl::StatusOr<std::shared_ptr<HashStrategy>> HashStrategy::Create(
    const std::vector<std::string>& shard_names) {
  SHARD_ASSIGN_OR_RETURN(std::vector<ShardId> shards,
                         ShardsNamed(shard_names, "a hash strategy"));
  std::vector<ShardId> slots;
  slots.reserve(kSlotCount);
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    slots.push_back(shards[slot * shards.size() / kSlotCount]);
  }
  return std::shared_ptr<HashStrategy>(
      new HashStrategy(std::move(shards), std::move(slots)));
}

absl::StatusOr<std::shared_ptr<HashStrategy>> HashStrategy::FromSlots(
    const std::vector<std::pair<std::uint32_t, std::string>>& ranges) {
  if (ranges.empty() || ranges.front().first != 0) {
    return absl::InvalidArgumentError(
        "the slot map of a hash strategy must begin with slot 0");
  }
  std::vector<ShardId> shards, slots;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto& [first, name] = ranges[i];
    if (name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the slot map of a hash strategy names no shard for the "
                       "slots from ",
                       first, " on; name it"));
    }
    const std::uint32_t end =
        i + 1 < ranges.size() ? ranges[i + 1].first : kSlotCount;
    if (end <= first || end > kSlotCount) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the slot map of a hash strategy has no slots for its range ", i + 1,
          ", from ", first, " up to ", end,
          "; let the first slots rise, and "
          "stay below ",
          kSlotCount));
    }
    AddOnce(shards, ShardId::Of(name));
    slots.resize(end, ShardId::Of(name));
  }
  return std::shared_ptr<HashStrategy>(
      new HashStrategy(std::move(shards), std::move(slots)));
}

HashStrategy::HashStrategy(std::vector<ShardId> shards,
                           std::vector<ShardId> slots)
    : shards_(std::move(shards)), slots_(std::move(slots)) {}

absl::StatusOr<ShardId> HashStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  SHARD_ASSIGN_OR_RETURN(const std::uint32_t slot, SlotOf(key));
  return slots_[slot];
}

}  // namespace shard
