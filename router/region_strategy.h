// Rows placed by where on earth they belong.
#ifndef SHARD_ROUTER_REGION_STRATEGY_H_
#define SHARD_ROUTER_REGION_STRATEGY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/composite_strategy.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

struct Region {
  std::string name;
  std::vector<std::string> locations;  // codes of countries or continents
  std::vector<std::string> shards;     // in an order that must stay as it is
};

// The key's first column is the code of a location, as text and compared by
// bytes ("DE" is not "de"); it names a region. The rest of the key is hashed
// over the region's shards. Without a rest it is the code that is hashed, so
// that a country is on one shard. Immutable and thread-safe.
//
//   RegionStrategy::Create({{"europe", {"DE", "FR"}, {"eu1", "eu2"}},
//                           {"asia", {"JP", "IN"}, {"as1"}}}, "asia")
//   ... ShardBy({&country, &id}, strategy)
class RegionStrategy : public ShardingStrategy {
 public:
  // `otherwise` is the region of locations that are in none; empty: they are
  // refused. kInvalidArgument for no regions, a region without name, locations
  // (unless it is `otherwise`) or shards or there twice, a location in two
  // regions, a default that is no region.
  static absl::StatusOr<std::shared_ptr<RegionStrategy>> Create(
      const std::vector<Region>& regions, const std::string& otherwise = "");

  // The name of the region of a location; empty where it has none.
  std::string RegionOf(std::string_view location) const;

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override {
    return inside_->shards();
  }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override {
    return inside_->ShardsFor(key);
  }
  absl::Status CheckKey(absl::Span<const sql::ValueType> types) const override;

 private:
  RegionStrategy(std::shared_ptr<const ShardingStrategy> regions,
                 std::shared_ptr<const CompositeStrategy> inside);
  const std::shared_ptr<const ShardingStrategy> regions_;
  const std::shared_ptr<const CompositeStrategy> inside_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_REGION_STRATEGY_H_
