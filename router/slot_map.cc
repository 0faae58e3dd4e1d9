#include "shard/router/slot_map.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/placement.h"

namespace shard {
namespace {

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::string shard;
  const ConfigNode* source = nullptr;
};

absl::StatusOr<Range> ReadRange(const ConfigNode& entry) {
  Range range;
  range.source = &entry;
  const std::string& text = entry.name();
  const std::size_t dash = text.find('-');
  const std::string first = text.substr(0, dash);
  const std::string last = dash == text.npos ? first : text.substr(dash + 1);
  if (!absl::SimpleAtoi(first, &range.first) ||
      !absl::SimpleAtoi(last, &range.last) || range.first > range.last ||
      range.last >= kSlotCount) {
    return entry.Wrong(
        absl::StrCat("a range of slots reads \"0-2047\", from 0 "
                     "to ",
                     kSlotCount - 1));
  }
  SHARD_ASSIGN_OR_RETURN(range.shard, entry.AsText());
  return range;
}

}  // namespace

absl::StatusOr<SlotRanges> ReadSlotMap(const ConfigNode& slots,
                                       const std::vector<std::string>& shards) {
  SHARD_ASSIGN_OR_RETURN(const auto* entries, slots.AsObject());
  std::vector<Range> ranges;
  for (const ConfigNode& entry : *entries) {
    SHARD_ASSIGN_OR_RETURN(Range range, ReadRange(entry));
    if (std::find(shards.begin(), shards.end(), range.shard) == shards.end()) {
      return entry.NoSuch("shard", range.shard, shards);
    }
    ranges.push_back(std::move(range));
  }
  std::stable_sort(
      ranges.begin(), ranges.end(),
      [](const Range& a, const Range& b) { return a.first < b.first; });
  SlotRanges map;
  std::uint32_t next = 0;
  for (Range& range : ranges) {
    if (range.first > next) {
      return slots.Wrong(absl::StrCat("slot ", next, " has no shard"));
    }
    if (range.first < next) {
      return range.source->Wrong(
          absl::StrCat("slot ", range.first, " has a shard already"));
    }
    next = range.last + 1;
    map.emplace_back(range.first, std::move(range.shard));
  }
  if (next < kSlotCount) {
    return slots.Wrong(absl::StrCat("slot ", next, " has no shard"));
  }
  return map;
}

}  // namespace shard
