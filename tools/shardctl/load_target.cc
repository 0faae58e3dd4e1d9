#include "shard/tools/shardctl/load_target.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/router/hash_strategy.h"
#include "shard/tools/shardctl/matching_columns.h"
#include "shard/tools/shardctl/placement_check.h"

namespace shard::shardctl {
namespace {

// A value of SQLite has 1,000,000,000 bytes at most.
constexpr std::size_t kMostRedoBytes = 900'000'000;

using Shards = std::vector<std::pair<std::string, std::shared_ptr<Engine>>>;

absl::StatusOr<Shards> FindShards(const std::vector<Database>& databases,
                                  const std::vector<std::string>& names) {
  Shards shards;
  if (names.empty()) {
    for (const Database& database : databases) {
      shards.emplace_back(database.name, database.engine);
    }
  }
  for (const std::string& name : names) {
    const auto found =
        std::find_if(databases.begin(), databases.end(),
                     [&](const Database& d) { return d.name == name; });
    if (found == databases.end()) {
      return absl::NotFoundError(absl::StrCat(
          "--shards: '", name, "' is none of the databases; add it to them"));
    }
    shards.emplace_back(name, found->engine);
  }
  return shards;
}

absl::StatusOr<TableOnShard> Reflect(const std::string& shard, Engine& engine,
                                     const std::string& table,
                                     absl::Duration timeout) {
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine.Connect());
  connection->set_deadline(absl::Now() + timeout);
  TableOnShard found{shard, engine.dialect().name() == "sqlite", {}};
  absl::StatusOr<ReflectedTable> reflected = ReflectTable(*connection, table);
  connection->set_deadline(absl::InfiniteFuture());
  if (!reflected.ok()) {
    return Annotate(reflected.status(), absl::StrCat("'", shard, "'"));
  }
  found.table = *std::move(reflected);
  return found;
}

absl::StatusOr<std::vector<const sql::Column*>> FindKey(
    const sql::Table& table, const std::vector<std::string>& names) {
  std::vector<const sql::Column*> key;
  for (const std::string& name : names) {
    const sql::Column* const column = table.FindColumn(name);
    if (column == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--shard-by: table '", table.name(), "' has no column '",
                       name, "' that can be loaded"));
    }
    key.push_back(column);
  }
  return key;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadTarget>> LoadTarget::Open(
    const ClusterConfig& config, const std::vector<Database>& databases,
    const LoadArguments& arguments, absl::Duration timeout) {
  SHARD_ASSIGN_OR_RETURN(const Shards shards,
                         FindShards(databases, arguments.shards));
  auto target = std::unique_ptr<LoadTarget>(new LoadTarget);
  SHARD_ASSIGN_OR_RETURN(target->topology_,
                         OpenTopologyToWrite(config, databases, timeout));
  std::vector<TableOnShard> tables;
  for (const auto& [shard, engine] : shards) {
    SHARD_ASSIGN_OR_RETURN(TableOnShard table,
                           Reflect(shard, *engine, arguments.table, timeout));
    tables.push_back(std::move(table));
    target->shards_.push_back(shard);
  }
  SHARD_ASSIGN_OR_RETURN(
      target->table_, MatchColumns(arguments.table, tables, arguments.types));
  target->mapping_ =
      std::make_unique<Mapping>(arguments.table, target->table_.usable());
  SHARD_RETURN_IF_ERROR(target->mapping_->status());
  ShardRule rule;
  SHARD_ASSIGN_OR_RETURN(
      rule.key, FindKey(target->mapping_->table(), arguments.shard_by));
  SHARD_ASSIGN_OR_RETURN(rule.strategy, HashStrategy::Create(target->shards_));
  SHARD_ASSIGN_OR_RETURN(target->resolver_,
                         HorizontalResolver::Create({shards, {rule}}));
  SHARD_RETURN_IF_ERROR(CheckPlacement(rule, shards));
  return target;
}

std::string LoadTarget::LeftOut() const {
  std::vector<std::string> texts;
  for (const ReflectedColumn& column : table_.columns) {
    if (column.generated) {
      texts.push_back(absl::StrCat("'", column.spec.name,
                                   "' is always made by the database"));
    } else if (column.spec.type == sql::ValueType::kNull) {
      texts.push_back(
          absl::StrCat("'", column.spec.name, "' is ",
                       column.type.empty() ? "without a type" : column.type));
    }
  }
  return absl::StrJoin(texts, ", ");
}

SessionOptions LoadTarget::Options(bool all_in_one) const {
  SessionOptions options;
  if (all_in_one) options.max_redo_bytes = kMostRedoBytes;
  options.resolver = resolver_;
  options.topology = topology_;
  return options;
}

}  // namespace shard::shardctl
