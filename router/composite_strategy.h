// Rows placed by the first part of their key, then by a hash of the rest.
#ifndef SHARD_ROUTER_COMPOSITE_STRATEGY_H_
#define SHARD_ROUTER_COMPOSITE_STRATEGY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// Shards that share the rows of some tenants.
struct TenantGroup {
  std::vector<sql::Value> tenants;  // values of the key's first column
  std::vector<std::string> shards;  // in an order that must stay as it is
};

// Shards under a name that another strategy answers with.
struct ShardGroup {
  std::string name;
  std::vector<std::string> shards;
};

// The first columns of the key choose a group of shards, the hash of the other
// columns (placement.h) the shard in it: slot * n / 4096, as HashStrategy does.
// Of a key without other columns the whole key is hashed: then all rows of a
// tenant are on one shard. A shard may be in several groups. Immutable and
// thread-safe, as far as the strategy is that chooses.
//
// A statement that names the first columns visits that group alone, and one
// shard of it where the other columns are known, too.
class CompositeStrategy : public ShardingStrategy {
 public:
  // Big tenants in groups of their own, all others on the shards `others`;
  // empty: they are refused.
  //
  //   CompositeStrategy::Create({{{"acme"}, {"big1", "big2"}}}, {"s0", "s1"})
  //   ... ShardBy({&tenant, &id}, strategy)
  //
  // kInvalidArgument for neither groups nor others, a group without tenants or
  // shards, a tenant in two, or a shard without a name or twice in a group.
  static absl::StatusOr<std::shared_ptr<CompositeStrategy>> Create(
      const std::vector<TenantGroup>& groups,
      const std::vector<std::string>& others);

  // The first `columns` columns of the key choose by any strategy (by range, or
  // by a directory, which lets a tenant be moved), whose shards are the names
  // of groups. kInvalidArgument for no strategy or columns, and, naming it, for
  // a group that the strategy may answer with and that is not there, or is
  // there twice.
  static absl::StatusOr<std::shared_ptr<CompositeStrategy>> Over(
      std::shared_ptr<const ShardingStrategy> chooser, std::size_t columns,
      const std::vector<ShardGroup>& groups);

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  absl::StatusOr<ShardId> ShardForNew(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override;
  absl::Status CheckKey(absl::Span<const sql::ValueType> types) const override;
  // Of the first columns.
  bool Forget(absl::Span<const sql::ValueView> key) const override;

 private:
  struct Group {
    ShardId name;
    std::vector<ShardId> shards;
  };
  CompositeStrategy(std::shared_ptr<const ShardingStrategy> chooser,
                    std::size_t columns);
  absl::Status AddGroup(const ShardGroup& group);
  absl::Status CheckColumns(std::size_t columns) const;
  // Null when there is none of that name.
  const Group* FindGroup(ShardId name) const;
  absl::StatusOr<ShardId> ShardIn(absl::StatusOr<ShardId> group,
                                  absl::Span<const sql::ValueView> key) const;

  const std::shared_ptr<const ShardingStrategy> chooser_;
  const std::size_t columns_;  // that choose the group
  std::vector<Group> groups_;  // by ShardId::number() of the name
  std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_COMPOSITE_STRATEGY_H_
