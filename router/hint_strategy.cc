#include "shard/router/hint_strategy.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/shard_names.h"

namespace shard {

absl::StatusOr<std::shared_ptr<HintStrategy>> HintStrategy::Create(
    const std::vector<std::string>& shard_names) {
  SHARD_ASSIGN_OR_RETURN(std::vector<ShardId> shards,
                         ShardsNamed(shard_names, "a hint strategy"));
  return std::shared_ptr<HintStrategy>(new HintStrategy(std::move(shards)));
}

HintStrategy::HintStrategy(std::vector<ShardId> shards)
    : shards_(std::move(shards)) {}

absl::StatusOr<ShardId> HintStrategy::ShardFor(
    absl::Span<const sql::ValueView>) const {
  std::string names;
  for (const ShardId shard : shards_) {
    absl::StrAppend(&names, names.empty() ? "'" : ", '", shard.name(), "'");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "no column decides on which shard these rows are; name the shard with "
      "OnShard(): one of ",
      names));
}

ShardSet HintStrategy::ShardsFor(absl::Span<const KeyDomain>) const {
  return All();
}

}  // namespace shard
