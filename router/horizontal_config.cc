#include "shard/router/horizontal_config.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/table_naming.h"
#include "shard/router/configured_strategy.h"
#include "shard/router/hint_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/shard_rule.h"
#include "shard/sql/class_info.h"
#include "shard/sql/column.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

constexpr std::array<sql::ValueType, 8> kKeyTypes = {
    sql::ValueType::kInt32,   sql::ValueType::kInt64,     sql::ValueType::kText,
    sql::ValueType::kBytes,   sql::ValueType::kTimestamp, sql::ValueType::kDate,
    sql::ValueType::kDecimal, sql::ValueType::kUuid};

absl::Status NotYet(const ConfigNode& member) {
  return absl::UnimplementedError(
      member.Wrong("this release cannot do that yet; leave it out").message());
}

absl::StatusOr<sql::ValueType> ReadType(const ConfigNode& value) {
  SHARD_ASSIGN_OR_RETURN(const std::string text, value.AsText());
  std::vector<std::string> names;
  for (const sql::ValueType type : kKeyTypes) {
    names.emplace_back(sql::ValueTypeName(type));
    if (text == names.back()) return type;
  }
  return value.NoSuch("type of a shard key", text, names);
}

class HorizontalReader {
 public:
  HorizontalReader(const RouterConfig* config, RouterContext* context)
      : source_(config->source), context_(*context) {}

  absl::StatusOr<std::shared_ptr<BindResolver>> Read() {
    SHARD_RETURN_IF_ERROR(source_.CheckMembers(
        {"type", "shards", "strategy", "classes", "tables", "reference",
         "reads_without_key", "writes_without_key"}));
    for (const char* const member :
         {"reference", "reads_without_key", "writes_without_key"}) {
      if (source_.Find(member) != nullptr) return NotYet(*source_.Find(member));
    }
    SHARD_RETURN_IF_ERROR(ReadShards());
    if (const ConfigNode* const strategy = source_.Find("strategy")) {
      SHARD_ASSIGN_OR_RETURN(strategy_, ReadStrategy(*strategy));
    }
    SHARD_RETURN_IF_ERROR(ReadClasses());
    SHARD_RETURN_IF_ERROR(ReadTables());
    const auto resolver = HorizontalResolver::Create(std::move(options_));
    if (!resolver.ok()) {
      return source_.Wrong(ToStd(resolver.status().message()));
    }
    return *resolver;
  }

 private:
  // A list of databases, or what each shard is.
  absl::Status ReadShards() {
    SHARD_ASSIGN_OR_RETURN(const ConfigNode* shards, source_.Need("shards"));
    const bool named = shards->is_object();
    if (!named) SHARD_RETURN_IF_ERROR(shards->AsTexts().status());
    for (const ConfigNode& item : shards->items()) {
      SHARD_ASSIGN_OR_RETURN(std::string name,
                             named ? item.name() : item.AsText());
      const ConfigNode* place = &item;
      if (item.is_object()) {
        SHARD_RETURN_IF_ERROR(
            item.CheckMembers({"database", "schema", "pattern"}));
        SHARD_ASSIGN_OR_RETURN(place, item.Need("database"));
        SHARD_RETURN_IF_ERROR(ReadNaming(name, item));
      }
      SHARD_ASSIGN_OR_RETURN(RouterPlace found, context_.PlaceOf(*place));
      if (found.engine == nullptr) return NotYet(*place);
      options_.shards.emplace_back(name, std::move(found.engine));
      names_.push_back(std::move(name));
    }
    return absl::OkStatus();
  }

  absl::Status ReadNaming(const std::string& shard, const ConfigNode& source) {
    TableNaming naming;
    if (const ConfigNode* const schema = source.Find("schema")) {
      SHARD_ASSIGN_OR_RETURN(naming.schema, schema->AsText());
    }
    if (const ConfigNode* const pattern = source.Find("pattern")) {
      SHARD_ASSIGN_OR_RETURN(naming.pattern, pattern->AsText());
      const absl::Status checked = CheckTableNaming(naming);
      if (!checked.ok()) return pattern->Wrong(ToStd(checked.message()));
    }
    if (!naming.is_plain()) options_.namings.emplace_back(shard, naming);
    return absl::OkStatus();
  }

  absl::StatusOr<std::shared_ptr<const ShardingStrategy>> ReadStrategy(
      const ConfigNode& value) {
    StrategyContext context;
    context.find_engine = [&](std::string_view name) {
      return context_.EngineNamed(std::string(name), value).value_or(nullptr);
    };
    return MakeConfiguredStrategy(value, names_, context);
  }

  // "strategy" of the class or table, or that of all.
  absl::StatusOr<std::shared_ptr<const ShardingStrategy>> StrategyOf(
      const ConfigNode& value) {
    if (const ConfigNode* const own = value.Find("strategy")) {
      return ReadStrategy(*own);
    }
    if (strategy_ != nullptr) return strategy_;
    return value.Wrong("there is no 'strategy', neither here nor for all");
  }

  absl::Status ReadClasses() {
    const ConfigNode* const classes = source_.Find("classes");
    if (classes == nullptr) return absl::OkStatus();
    SHARD_ASSIGN_OR_RETURN(const auto* members, classes->AsObject());
    for (const ConfigNode& member : *members) {
      const ConfigNode* key = &member;
      if (member.is_object()) {
        SHARD_RETURN_IF_ERROR(
            member.CheckMembers({"key", "follows", "strategy"}));
        if (const ConfigNode* const follows = member.Find("follows")) {
          return NotYet(*follows);
        }
        key = member.Find("key");
      }
      // Without a key whoever writes a row says its shard.
      std::vector<std::string> names;
      if (key != nullptr) {
        SHARD_ASSIGN_OR_RETURN(names, key->AsTexts());
      }
      SHARD_ASSIGN_OR_RETURN(auto strategy, StrategyOf(member));
      if (key == nullptr &&
          dynamic_cast<const HintStrategy*>(strategy.get()) == nullptr) {
        return member.Wrong("'key' is missing");
      }
      SHARD_ASSIGN_OR_RETURN(const sql::ClassInfo* class_info,
                             context_.ClassOf(member.name(), member));
      if (class_info == nullptr) continue;
      context_.Claim(*class_info, member);
      if (key == nullptr) {
        options_.rules.push_back(ShardByHint(*class_info->table, strategy));
        continue;
      }
      SHARD_ASSIGN_OR_RETURN(auto columns,
                             ColumnsOf(*class_info->table, names, *key));
      options_.rules.push_back(ShardBy(std::move(columns), strategy));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<std::vector<const sql::Column*>> ColumnsOf(
      const sql::Table& table, const std::vector<std::string>& names,
      const ConfigNode& source) {
    std::vector<const sql::Column*> columns;
    for (const std::string& name : names) {
      columns.push_back(table.FindColumn(name));
      if (columns.back() != nullptr) continue;
      std::vector<std::string> known;
      for (const sql::Column& column : table.columns()) {
        known.push_back(column.name());
      }
      return source.NoSuch(absl::StrCat("column of '", table.name(), "'"), name,
                           known);
    }
    return columns;
  }

  absl::Status ReadTables() {
    const ConfigNode* const tables = source_.Find("tables");
    if (tables == nullptr) return absl::OkStatus();
    SHARD_ASSIGN_OR_RETURN(const auto* members, tables->AsObject());
    for (const ConfigNode& member : *members) {
      SHARD_RETURN_IF_ERROR(member.CheckMembers({"key", "strategy"}));
      SHARD_ASSIGN_OR_RETURN(const ConfigNode* key, member.Need("key"));
      SHARD_ASSIGN_OR_RETURN(const auto* parts, key->AsObject());
      if (parts->empty()) return key->Wrong("must not be empty");
      std::vector<sql::ColumnSpec> specs;
      std::vector<std::string> names;
      for (const ConfigNode& part : *parts) {
        SHARD_ASSIGN_OR_RETURN(const sql::ValueType type, ReadType(part));
        specs.push_back({.name = part.name(), .type = type, .nullable = false});
        names.push_back(part.name());
      }
      SHARD_ASSIGN_OR_RETURN(auto strategy, StrategyOf(member));
      const sql::ClassInfo* const table =
          context_.TableOf(member.name(), std::move(specs));
      if (table == nullptr) continue;
      SHARD_ASSIGN_OR_RETURN(auto columns,
                             ColumnsOf(*table->table, names, *key));
      options_.rules.push_back(ShardBy(std::move(columns), strategy));
      context_.Claim(*table, member);
    }
    return absl::OkStatus();
  }

  const ConfigNode& source_;
  RouterContext& context_;
  HorizontalOptions options_;
  std::vector<std::string> names_;  // of the shards
  std::shared_ptr<const ShardingStrategy> strategy_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<BindResolver>> MakeHorizontalRouter(
    const RouterConfig& config, RouterContext& context) {
  return HorizontalReader(&config, &context).Read();
}

std::optional<std::string> PlacementDifference(const ConfigNode& before,
                                               const ConfigNode& after) {
  const auto differ = [](const ConfigNode* a, const ConfigNode* b) {
    return a == nullptr || b == nullptr ? a != b : !a->SaysTheSame(*b);
  };
  for (const char* const name : {"shards", "strategy"}) {
    if (differ(before.Find(name), after.Find(name))) {
      return absl::StrCat(after.path(), ".", name);
    }
  }
  for (const char* const name : {"classes", "tables"}) {
    if (before.Find(name) == nullptr) continue;
    for (const ConfigNode& member : before.Find(name)->items()) {
      const ConfigNode* const all = after.Find(name);
      const ConfigNode* const other =
          all == nullptr ? nullptr : all->Find(member.name());
      if (other != nullptr && !member.SaysTheSame(*other)) return other->path();
    }
  }
  return std::nullopt;
}

}  // namespace shard
