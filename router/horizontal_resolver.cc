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
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/router/placement.h"
#include "shard/router/shared_databases.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

std::string Subject(const BindRequest& request, const sql::Column& column) {
  return request.class_info != nullptr
             ? absl::StrCat(request.class_info->name, ".", column.name())
             : column.QualifiedName();
}

bool IsInteger(sql::ValueType type) {
  return type == sql::ValueType::kInt32 || type == sql::ValueType::kInt64;
}

// The value of one column of a shard key, which must be of the column's type.
absl::StatusOr<sql::ValueView> ReadKeyPart(const BindRequest& request,
                                           const sql::Column& column) {
  absl::StatusOr<sql::ValueView> part = request.object->Read(column);
  if (!part.ok() || part->type() == column.type()) return part;
  if (part->is_null()) {
    return absl::InvalidArgumentError(
        absl::StrCat("shard key ", Subject(request, column),
                     " is NULL; give it a value that names a shard"));
  }
  if (IsInteger(part->type()) && IsInteger(column.type())) return part;
  return absl::InvalidArgumentError(absl::StrCat(
      "shard key ", Subject(request, column), " is of type ",
      ToAbsl(sql::ValueTypeName(column.type())), ", but was given ",
      ToAbsl(sql::ValueTypeName(part->type()))));
}

// The whole key, in memory of its own: a view lives until the next Read.
absl::StatusOr<absl::InlinedVector<sql::Value, 2>> ReadKey(
    const BindRequest& request, const ShardRule& rule) {
  absl::InlinedVector<sql::Value, 2> key;
  for (const sql::Column* column : rule.key) {
    SHARD_ASSIGN_OR_RETURN(const sql::ValueView part,
                           ReadKeyPart(request, *column));
    key.emplace_back(part);
  }
  return key;
}

// An upsert sees the rows of its own shard only, and leaves a row where it is:
// what conflicts must have the same shard key, and it must not change, except
// to what the new row has, which was placed by it.
absl::Status CheckUpsert(const BindRequest& request, const ShardRule& rule) {
  const auto* insert = request.statement == nullptr
                           ? nullptr
                           : request.statement->As<sql::InsertStatement>();
  if (insert == nullptr || !insert->on_conflict.has_value()) {
    return absl::OkStatus();
  }
  const std::vector<const sql::Column*>& target = insert->on_conflict->target;
  for (const sql::Column* column : rule.key) {
    if (!target.empty() &&
        std::find(target.begin(), target.end(), column) == target.end()) {
      return absl::UnimplementedError(absl::StrCat(
          "ON CONFLICT does not name shard key '", column->QualifiedName(),
          "', so the row that conflicts may be on another shard; name the "
          "shard, if it cannot be"));
    }
  }
  for (const sql::ColumnAssignment& set : insert->on_conflict->update) {
    const auto* value = set.value.As<sql::ColumnNode>();
    const bool as_inserted = value != nullptr && value->column == set.column &&
                             value->alias == "excluded";
    if (!as_inserted && std::find(rule.key.begin(), rule.key.end(),
                                  set.column) != rule.key.end()) {
      return absl::UnimplementedError(absl::StrCat(
          "ON CONFLICT sets shard key '", set.column->QualifiedName(),
          "', and its row may belong on another shard then; leave it out"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ShardId> ShardOfKey(const ShardRule& rule,
                                   const BindRequest& request,
                                   absl::Span<const sql::ValueView> key) {
  const bool is_read = request.operation == Operation::kRead ||
                       request.operation == Operation::kRefresh;
  absl::StatusOr<ShardId> shard =
      is_read ? rule.strategy->ShardFor(key) : rule.strategy->ShardForNew(key);
  if (shard.ok()) return shard;
  return Annotate(
      shard.status(),
      absl::StrCat("shard key ", Subject(request, *rule.key.front())));
}

}  // namespace

HorizontalResolver::HorizontalResolver(HorizontalOptions options)
    : options_(std::move(options)) {}

absl::StatusOr<std::shared_ptr<HorizontalResolver>> HorizontalResolver::Create(
    HorizontalOptions options) {
  std::shared_ptr<HorizontalResolver> resolver(
      new HorizontalResolver(std::move(options)));
  SHARD_RETURN_IF_ERROR(resolver->CheckShards());
  SHARD_RETURN_IF_ERROR(resolver->NameTables());
  for (const ShardRule& rule : resolver->options_.rules) {
    SHARD_RETURN_IF_ERROR(resolver->CheckRule(rule));
    resolver->rules_[&rule.key.front()->table()] = &rule;
  }
  SHARD_RETURN_IF_ERROR(resolver->CheckSharedDatabases());
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
    const ShardId shard = ShardId::Of(name);
    if (EngineOf(shard) != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are two shards named '", name, "'"));
    }
    if (engines_.size() <= shard.number()) engines_.resize(shard.number() + 1);
    engines_[shard.number()] = engine.get();
  }
  return absl::OkStatus();
}

absl::Status HorizontalResolver::NameTables() {
  names_.resize(engines_.size());
  for (const auto& [name, naming] : options_.namings) {
    const ShardId shard = ShardId::Of(name);
    const Engine* const engine = EngineOf(shard);
    if (engine == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there is a naming for shard '", name, "', which there is not"));
    }
    const auto named = engine->dialect().Named(naming);
    if (!named.ok()) {
      return Annotate(named.status(), absl::StrCat("shard '", name, "'"));
    }
    names_[shard.number()] = *named == &engine->dialect() ? nullptr : *named;
  }
  return absl::OkStatus();
}

absl::Status HorizontalResolver::CheckSharedDatabases() const {
  std::vector<Bind> shards;
  for (const auto& [name, engine] : options_.shards) {
    SHARD_ASSIGN_OR_RETURN(shards.emplace_back(), BindOf(ShardId::Of(name)));
  }
  std::vector<const sql::Table*> tables;
  for (const auto& [table, rule] : rules_) tables.push_back(table);
  return CheckTablesApart(shards, tables);
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
  std::vector<sql::ValueType> types;
  for (const sql::Column* column : rule.key) types.push_back(column->type());
  if (const absl::Status fits = rule.strategy->CheckKey(types); !fits.ok()) {
    return Annotate(fits, absl::StrCat("the rule of '", table.name(), "'"));
  }
  for (const ShardId shard : rule.strategy->shards()) {
    if (EngineOf(shard) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the strategy of '", table.name(), "' names shard '",
                       shard.name(), "', which has no engine"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Bind> HorizontalResolver::BindOf(ShardId shard) const {
  if (Engine* engine = EngineOf(shard)) {
    return Bind{engine, shard, names_[shard.number()]};
  }
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
  if (rule.key.size() == 1) {
    const absl::StatusOr<sql::ValueView> key =
        ReadKeyPart(request, *rule.key.front());
    if (!key.ok()) return key.status();
    return ShardOfKey(rule, request, {&*key, 1});
  }
  SHARD_ASSIGN_OR_RETURN(const auto kept, ReadKey(request, rule));
  absl::InlinedVector<sql::ValueView, 2> key;
  for (const sql::Value& value : kept) key.push_back(value.view());
  return ShardOfKey(rule, request, key);
}

bool HorizontalResolver::Forget(const BindRequest& request) {
  if (request.object == nullptr) return false;
  const absl::StatusOr<const ShardRule*> rule = RuleFor(request);
  if (!rule.ok()) return false;
  const auto kept = ReadKey(request, **rule);
  if (!kept.ok() || kept->empty()) return false;
  absl::InlinedVector<sql::ValueView, 2> key;
  for (const sql::Value& value : *kept) key.push_back(value.view());
  return (*rule)->strategy->Forget(key);
}

absl::StatusOr<Bind> HorizontalResolver::Resolve(const BindRequest& request) {
  if (request.shard.has_value()) return BindOf(*request.shard);
  if (request.object != nullptr) {
    SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleFor(request));
    SHARD_RETURN_IF_ERROR(CheckUpsert(request, *rule));
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
    if (shard.ok()) {
      SHARD_ASSIGN_OR_RETURN(const Bind bind, BindOf(*shard));
      return BindSet{bind};
    }
    if (!absl::IsNotFound(shard.status())) return shard.status();
  }
  const std::vector<ShardId>& all = rule->strategy->shards();
  return BindsOf({all.begin(), all.end()});
}

ShardId HorizontalResolver::ShardOf(const Engine& engine) const {
  for (const auto& [name, known] : options_.shards) {
    if (known.get() != &engine) continue;
    const ShardId shard = ShardId::Of(name);
    if (names_[shard.number()] == nullptr) return shard;
  }
  return ShardId();
}

std::vector<const sql::Column*> HorizontalResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  const ShardRule* rule = FindRule(*class_info.table);
  return rule == nullptr ? std::vector<const sql::Column*>() : rule->key;
}

}  // namespace shard
