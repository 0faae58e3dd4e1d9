#include "shard/router/horizontal_resolver.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/router/placement.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

std::string Subject(const BindRequest& request, const sql::Column& column) {
  return request.class_info != nullptr
             ? absl::StrCat(request.class_info->name, ".", column.name())
             : column.QualifiedName();
}

}  // namespace

HorizontalResolver::HorizontalResolver(HorizontalOptions options)
    : options_(std::move(options)) {}

absl::StatusOr<std::shared_ptr<HorizontalResolver>> HorizontalResolver::Create(
    HorizontalOptions options) {
  std::shared_ptr<HorizontalResolver> resolver(
      new HorizontalResolver(std::move(options)));
  SHARD_RETURN_IF_ERROR(resolver->CheckShards());
  for (const ShardRule& rule : resolver->options_.rules) {
    SHARD_RETURN_IF_ERROR(resolver->CheckRule(rule));
    resolver->rules_[&rule.key.front()->table()] = &rule;
  }
  return resolver;
}

absl::Status HorizontalResolver::CheckShards() {
  if (options_.shards.empty()) {
    return absl::InvalidArgumentError("a horizontal resolver has no shards");
  }
  for (const auto& [name, engine] : options_.shards) {
    if (name.empty() || engine == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("shard '", name, "' needs a name and an engine"));
    }
    for (const auto& [other, known] : engines_) {
      // Reads would find every row twice.
      if (known == engine.get()) {
        return absl::InvalidArgumentError(
            absl::StrCat("shards '", other.name(), "' and '", name,
                         "' share an engine; give each its own database"));
      }
    }
    if (!engines_.emplace(ShardId::Of(name), engine.get()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are two shards named '", name, "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status HorizontalResolver::CheckRule(const ShardRule& rule) {
  if (rule.key.empty() || rule.strategy == nullptr ||
      std::find(rule.key.begin(), rule.key.end(), nullptr) != rule.key.end()) {
    return absl::InvalidArgumentError(
        "ShardBy() needs a strategy and at least one column, all of which "
        "there are");
  }
  const sql::Table& table = rule.key.front()->table();
  if (rules_.contains(&table)) {
    return absl::InvalidArgumentError(
        absl::StrCat("table '", table.name(), "' has two sharding rules"));
  }
  for (const sql::Column* column : rule.key) {
    if (&column->table() != &table) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the shard key of '", table.name(), "' has a column of '",
          column->table().name(), "'; a key belongs to one table"));
    }
    if (!CanBeShardKey(column->type())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "column '", column->QualifiedName(), "' has type ",
          ToAbsl(sql::ValueTypeName(column->type())),
          " and cannot be a shard key; use an integer, text, bytes, UUID, "
          "date, timestamp or decimal"));
    }
  }
  for (const ShardId shard : rule.strategy->shards()) {
    if (!engines_.contains(shard)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the strategy of '", table.name(), "' names shard '",
                       shard.name(), "', which has no engine"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Bind> HorizontalResolver::BindOf(ShardId shard) const {
  const auto found = engines_.find(shard);
  if (found != engines_.end()) return Bind{found->second, shard};
  std::string names;
  for (const auto& [name, engine] : options_.shards) {
    absl::StrAppend(&names, names.empty() ? "'" : ", '", name, "'");
  }
  return absl::NotFoundError(absl::StrCat("there is no shard '", shard.name(),
                                          "'; there are ", names));
}

absl::StatusOr<BindSet> HorizontalResolver::BindsOf(
    const ShardSet& shards) const {
  BindSet binds;
  for (const ShardId shard : shards) {
    SHARD_ASSIGN_OR_RETURN(const Bind bind, BindOf(shard));
    binds.push_back(bind);
  }
  return binds;
}

const ShardRule* HorizontalResolver::FindRule(const sql::Table& table) const {
  const auto found = rules_.find(&table);
  return found == rules_.end() ? nullptr : found->second;
}

absl::StatusOr<const ShardRule*> HorizontalResolver::RuleFor(
    const BindRequest& request) const {
  const sql::Table* table =
      request.class_info != nullptr ? request.class_info->table : nullptr;
  if (table == nullptr && request.statement != nullptr) {
    const auto tables = TablesOf(*request.statement);
    if (!tables.empty()) table = tables.front();
  }
  if (table == nullptr) {
    return absl::InvalidArgumentError(
        "this work names no class, table or shard; say which shard it is for");
  }
  const ShardRule* rule = FindRule(*table);
  if (rule == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(request.class_info != nullptr
                         ? absl::StrCat("class ", request.class_info->name)
                         : absl::StrCat("table '", table->name(), "'"),
                     " has no sharding rule here; add ShardBy() for it"));
  }
  return rule;
}

absl::StatusOr<ShardId> HorizontalResolver::ShardOfObject(
    const ShardRule& rule, const BindRequest& request) const {
  absl::InlinedVector<sql::ValueView, 2> key;
  absl::InlinedVector<sql::Value, 2> kept;  // a view lives until the next Read
  for (const sql::Column* column : rule.key) {
    absl::StatusOr<sql::ValueView> part = request.object->Read(*column);
    if (!part.ok()) return part.status();
    if (part->is_null()) {
      return absl::InvalidArgumentError(
          absl::StrCat("shard key ", Subject(request, *column),
                       " is NULL; give it a value that names a shard"));
    }
    const bool integers = (part->type() == sql::ValueType::kInt32 ||
                           part->type() == sql::ValueType::kInt64) &&
                          (column->type() == sql::ValueType::kInt32 ||
                           column->type() == sql::ValueType::kInt64);
    if (part->type() != column->type() && !integers) {
      return absl::InvalidArgumentError(absl::StrCat(
          "shard key ", Subject(request, *column), " is of type ",
          ToAbsl(sql::ValueTypeName(column->type())), ", but was given ",
          ToAbsl(sql::ValueTypeName(part->type()))));
    }
    if (rule.key.size() == 1) {
      key.push_back(*part);
    } else {
      kept.emplace_back(*part);
    }
  }
  for (const sql::Value& value : kept) key.push_back(value.view());
  absl::StatusOr<ShardId> shard = rule.strategy->ShardFor(key);
  if (!shard.ok()) {
    return Annotate(
        shard.status(),
        absl::StrCat("shard key ", Subject(request, *rule.key.front())));
  }
  return shard;
}

absl::StatusOr<Bind> HorizontalResolver::Resolve(const BindRequest& request) {
  if (request.shard.has_value()) return BindOf(*request.shard);
  if (request.object != nullptr) {
    SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleFor(request));
    absl::StatusOr<ShardId> shard = ShardOfObject(*rule, request);
    if (shard.ok()) return BindOf(*shard);
    if (!absl::IsNotFound(shard.status())) return shard.status();
    return absl::InvalidArgumentError(absl::StrCat(
        "shard key ", Subject(request, *rule->key.front()),
        " is not set, so there is no shard to write to; set it first"));
  }
  SHARD_ASSIGN_OR_RETURN(const BindSet binds, ResolveAll(request));
  if (binds.size() == 1) return binds.front();
  std::string names;
  for (const Bind& bind : binds) {
    absl::StrAppend(&names, names.empty() ? "'" : ", '", bind.shard.name(),
                    "'");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "this needs one shard, and may concern ", names, "; name the shard"));
}

absl::StatusOr<BindSet> HorizontalResolver::ResolveAll(
    const BindRequest& request) {
  if (request.shard.has_value()) return BindsOf({*request.shard});
  if (request.statement != nullptr &&
      request.statement->As<sql::TextStatement>() == nullptr) {
    const RuleFinder find = [this](const sql::Table& t) { return FindRule(t); };
    SHARD_ASSIGN_OR_RETURN(
        const ShardSet shards,
        ShardsForStatement(find, *request.statement, request.parameters));
    return BindsOf(shards);
  }
  SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleFor(request));
  if (request.object != nullptr) {
    const absl::StatusOr<ShardId> shard = ShardOfObject(*rule, request);
    if (shard.ok()) return BindsOf({*shard});
    if (!absl::IsNotFound(shard.status())) return shard.status();
  }
  return BindsOf(rule->strategy->shards());
}

std::vector<const sql::Column*> HorizontalResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  const ShardRule* rule = FindRule(*class_info.table);
  return rule == nullptr ? std::vector<const sql::Column*>() : rule->key;
}

}  // namespace shard
