// Rows placed by the first letter of a text.
#ifndef SHARD_EXAMPLES_CUSTOM_STRATEGY_FIRST_LETTER_STRATEGY_H_
#define SHARD_EXAMPLES_CUSTOM_STRATEGY_FIRST_LETTER_STRATEGY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/sharding_strategy.h"

namespace custom_strategy {

// All that a strategy must know: the shard of a key, and which shards there
// are. Words are in lower case; `lasts` are the last letters of all shards but
// the last one.
class FirstLetterStrategy : public shard::ShardingStrategy {
 public:
  FirstLetterStrategy(std::vector<shard::ShardId> shards, std::string lasts)
      : shards_(std::move(shards)), lasts_(std::move(lasts)) {}

  absl::StatusOr<shard::ShardId> ShardFor(
      absl::Span<const shard::sql::ValueView> key) const override;
  const std::vector<shard::ShardId>& shards() const override { return shards_; }
  absl::Status CheckKey(
      absl::Span<const shard::sql::ValueType> types) const override;

 private:
  const std::vector<shard::ShardId> shards_;
  const std::string lasts_;
};

}  // namespace custom_strategy

#endif  // SHARD_EXAMPLES_CUSTOM_STRATEGY_FIRST_LETTER_STRATEGY_H_
