// How far a long piece of work has come, on one line.
#ifndef SHARD_TOOLS_SHARDCTL_PROGRESS_BAR_H_
#define SHARD_TOOLS_SHARDCTL_PROGRESS_BAR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace shard::shardctl {

struct WorkDone {
  std::int64_t rows = 0;
  std::int64_t refused = 0;
  std::int64_t bytes = 0;
  std::int64_t total_bytes = 0;  // 0: not known
  double rows_per_second = 0;
  std::optional<absl::Duration> left;
};

// "[=======>       ]  43%  431,000 rows  21.3 of 49.6 MB  112,000/s  3s left".
// At most `width` columns wide: what does not fit is left out, the bytes first,
// the percentage last. Without a total there is neither a bar nor a percentage.
std::string BarText(const WorkDone& done, std::size_t width, bool colors);

// The same in words, for who reads it later.
std::string ProgressText(const WorkDone& done);

// "1,234,567".
std::string CountText(std::int64_t count);
// "512 B", "21.3 MB": in steps of a thousand.
std::string BytesText(std::int64_t bytes);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_PROGRESS_BAR_H_
