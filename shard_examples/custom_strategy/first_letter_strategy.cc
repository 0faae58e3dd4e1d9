#include "shard_examples/custom_strategy/first_letter_strategy.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

#include "shard/base/status_macros.h"
#include "shard/router/strategy_registry.h"

namespace custom_strategy {

absl::StatusOr<shard::ShardId> FirstLetterStrategy::ShardFor(
    absl::Span<const shard::sql::ValueView> key) const {
  const std::string_view word = key[0].bytes();
  if (word.empty() || word[0] < 'a' || word[0] > 'z') {
    return absl::InvalidArgumentError("the word does not begin with a-z");
  }
  const auto last =
      std::find_if(lasts_.begin(), lasts_.end(),
                   [&](char letter) { return word[0] <= letter; });
  return shards_[static_cast<std::size_t>(last - lasts_.begin())];
}

absl::Status FirstLetterStrategy::CheckKey(
    absl::Span<const shard::sql::ValueType> types) const {
  if (types.size() == 1 && types[0] == shard::sql::ValueType::kText) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("first_letter takes one column of text");
}

namespace {

// {"strategy": "first_letter", "shards": ["low", "high"], "lasts": "m"}
absl::StatusOr<std::shared_ptr<const shard::ShardingStrategy>> Make(
    const shard::StrategyConfig& config, const shard::StrategyContext&) {
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"shards", "lasts"}));
  SHARD_ASSIGN_OR_RETURN(const auto names, config.Texts("shards"));
  SHARD_ASSIGN_OR_RETURN(const std::string lasts, config.Text("lasts"));
  if (names.size() != lasts.size() + 1 ||
      !std::is_sorted(lasts.begin(), lasts.end())) {
    return config.Error("needs one shard more than letters, which go up");
  }
  std::vector<shard::ShardId> shards;
  for (const std::string& name : names) {
    shards.push_back(shard::ShardId::Of(name));
  }
  return std::make_shared<FirstLetterStrategy>(std::move(shards), lasts);
}

// From here on files of configuration can name it.
[[maybe_unused]] const bool registered =
    shard::RegisterStrategy("first_letter", &Make);

}  // namespace
}  // namespace custom_strategy
