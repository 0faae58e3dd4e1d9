// Horizontal partitioning: each row on the shard that its shard key names.
#ifndef SHARD_ROUTER_HORIZONTAL_RESOLVER_H_
#define SHARD_ROUTER_HORIZONTAL_RESOLVER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "shard/dialects/table_naming.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/pruning.h"
#include "shard/router/shard_rule.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

struct HorizontalOptions {
  // Every shard by name. One without a naming has its database to itself, or is
  // the only one there whose tables go by their declared names.
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> shards;
  // One for each table that lives on the shards.
  std::vector<ShardRule> rules;
  // How tables are named on shards that share a database, by the shard's name:
  //
  //   .shards = {{"eu", server}, {"us", server}, {"asia", file}},
  //   .namings = {{"eu", {.schema = "eu"}}, {"us", {.pattern = "us_{table}"}}}
  std::vector<std::pair<std::string, TableNaming>> namings{};
};

// From one rule for each table come all three choices: the shard of a new
// object, the shards that may hold a primary key, and the shards that a
// statement must visit. Immutable and thread-safe.
//
//   HashStrategy::Create({"one", "two"}) ... ShardBy(City::c.id, strategy)
class HorizontalResolver : public BindResolver {
 public:
  // kInvalidArgument when a strategy or a naming names a shard that there is
  // not, a key column has a type that cannot be one, a key spans tables, a
  // table has two rules, or two shards share a name or, in one database, a
  // table; kUnimplemented when a database cannot name tables like that.
  static absl::StatusOr<std::shared_ptr<HorizontalResolver>> Create(
      HorizontalOptions options);

  // By an explicit shard; else by the shard key of `object`; else by the
  // statement, if it needs one shard only. kInvalidArgument, naming class and
  // column, for a shard key that is unset, NULL or of the wrong type;
  // kNotFound for an unknown shard.
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;

  // By an explicit shard; else by the statement's conditions; else by what is
  // known of the key; else all shards of the class.
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override;

  // Of several that share the database, that whose tables go by their own
  // names.
  ShardId ShardOf(const Engine& engine) const override;
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override;
  // Of the key of `object`; false where it is not known.
  bool Forget(const BindRequest& request) override;

 private:
  explicit HorizontalResolver(HorizontalOptions options);
  absl::Status CheckShards();
  absl::Status NameTables();
  absl::Status CheckSharedDatabases() const;
  absl::Status CheckRule(const ShardRule& rule);

  // Null when there is no such shard here.
  Engine* EngineOf(ShardId shard) const {
    return shard.number() < engines_.size() ? engines_[shard.number()]
                                            : nullptr;
  }
  absl::StatusOr<Bind> BindOf(ShardId shard) const;
  absl::StatusOr<BindSet> BindsOf(const ShardSet& shards) const;
  const ShardRule* FindRule(const sql::Table& table) const;
  // The rule of the class, or of the one table of the statement.
  absl::StatusOr<const ShardRule*> RuleFor(const BindRequest& request) const;
  // kNotFound when a part of the key has no known value.
  absl::StatusOr<ShardId> ShardOfObject(const ShardRule& rule,
                                        const BindRequest& request) const;

  HorizontalOptions options_;
  std::vector<Engine*> engines_;  // by ShardId::number(); null: no shard here
  std::vector<const Dialect*> names_;  // likewise; null: as they are declared
  absl::flat_hash_map<const sql::Table*, const ShardRule*> rules_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_HORIZONTAL_RESOLVER_H_
