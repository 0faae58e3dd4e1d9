// Horizontal partitioning: each row on the shard that its shard key names.
#ifndef SHARD_ROUTER_HORIZONTAL_RESOLVER_H_
#define SHARD_ROUTER_HORIZONTAL_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/keyless.h"
#include "shard/router/pruning.h"
#include "shard/router/rule_table.h"
#include "shard/router/shard_places.h"
#include "shard/router/shard_rule.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

struct HorizontalOptions {
  // Every shard by name: an engine, or another resolver, as a primary with its
  // replicas. An engine without a naming has its database to itself, or is the
  // only one there whose tables go by their declared names.
  ShardPlaces shards;
  // One for each table that lives on the shards.
  std::vector<ShardRule> rules;
  // How tables are named on shards that share a database, by the shard's name:
  //
  //   .shards = {{"eu", server}, {"us", server}, {"asia", file}},
  //   .namings = {{"eu", {.schema = "eu"}}, {"us", {.pattern = "us_{table}"}}}
  ShardNamings namings{};
  // Statements that name no shard, and whose conditions do not tell by the
  // shard key where to look: those that would visit all shards of the class
  // without listing keys. A Get by another key is such a read, too.
  KeylessReads reads_without_key = KeylessReads::Allow();
  // An UPDATE or DELETE of that kind. One statement is allowed by naming its
  // shards or by ExecutionOptions::all_shards.
  KeylessWrites writes_without_key = KeylessWrites::kDeny;
};

// From one rule for each table come all three choices: the shard of a new
// object, the shards that may hold a primary key, and the shards that a
// statement must visit. Immutable and thread-safe.
//
//   HashStrategy::Create({"one", "two"}) ... ShardBy(City::c.id, strategy)
class HorizontalResolver : public BindResolver {
 public:
  // kInvalidArgument when a strategy names a shard that there is not, or two
  // shards share a table in one database; and the errors of ShardPlaceTable and
  // RuleTable.
  static absl::StatusOr<std::shared_ptr<HorizontalResolver>> Create(
      HorizontalOptions options);

  // By an explicit shard; else by the shard key of `object`; else by the
  // statement, if it needs one shard only. kInvalidArgument, naming class and
  // column, for a shard key that is unset, NULL or of the wrong type, and for
  // several shards named; kNotFound for an unknown shard.
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;

  // By explicit shards; else by the statement's conditions; else by what is
  // known of the key; else all shards of the class. kFailedPrecondition, naming
  // the table and its key, for what HorizontalOptions do not allow.
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override;

  absl::StatusOr<Route> Explain(const BindRequest& request) override;
  std::optional<sql::Statement> StatementFor(const BindRequest& request,
                                             const Bind& bind) override;
  std::optional<std::int64_t> MostRows(const BindRequest& request) override;
  std::vector<ShardId> Shards() const override { return places_.ids(); }
  ShardId ShardOf(const Engine& engine) const override {
    return places_.ShardOf(engine);
  }
  bool Reaches(const Engine& engine) const override {
    return places_.Reaches(engine);
  }
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override;
  // Of rows of a ReferenceTable.
  bool WritesEverywhere(const BindRequest& request) const override;
  // Of the key of `object`; false where it is not known.
  bool Forget(const BindRequest& request) override;
  // Of tables that follow this one's shard key (CoLocate), and name its primary
  // key with it.
  std::vector<CoLocatedRows> CoLocatedWith(
      const sql::Table& table) const override;

 private:
  // What is kept with a statement: it is read once.
  struct KeptPlan {
    std::uint64_t resolver;  // which made it
    PruningPlan plan;
    bool has_list;  // that can be split
  };

  HorizontalResolver(HorizontalOptions options, ShardPlaceTable places,
                     RuleTable rules);
  absl::Status CheckStrategies() const;
  absl::Status CheckSharedDatabases() const;
  absl::StatusOr<std::shared_ptr<const KeptPlan>> PlanOf(
      const sql::Statement& statement) const;
  RuleFinder FindRule() const {
    return [this](const sql::Table& table) { return rules_.Find(table); };
  }
  // The rule of the class, or of the one table of the statement.
  absl::StatusOr<const ShardRule*> RuleFor(const BindRequest& request) const;
  // kNotFound when a part of the key has no known value, or there is none.
  absl::StatusOr<ShardId> ShardOfObject(const ShardRule& rule,
                                        const BindRequest& request) const;
  absl::StatusOr<Bind> ResolveObject(const BindRequest& request) const;
  absl::StatusOr<ShardSet> ShardsOfStatement(const BindRequest& request,
                                             const PruningPlan& plan) const;
  // Of shards that have the same rows, the one to read from.
  absl::StatusOr<BindSet> NearestOf(const BindRequest& request,
                                    absl::Span<const ShardId> shards) const;
  absl::Status CheckKeyless(const BindRequest& request, const PruningPlan& plan,
                            const ShardSet& shards) const;

  const HorizontalOptions options_;  // without shards, rules, namings
  const ShardPlaceTable places_;
  const RuleTable rules_;
  const bool has_everywhere_;   // any of the rules
  const std::uint64_t serial_;  // of all resolvers of the program
};

}  // namespace shard

#endif  // SHARD_ROUTER_HORIZONTAL_RESOLVER_H_
