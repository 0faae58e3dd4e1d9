#include "shard/router/horizontal_resolver.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/router/everywhere_strategy.h"
#include "shard/router/in_split.h"
#include "shard/router/may_write.h"
#include "shard/router/session_history.h"
#include "shard/router/shared_databases.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

// Every shard, the first by name first: whoever lists them in which order, all
// write there first.
std::shared_ptr<const ShardingStrategy> AllOf(const ShardPlaceTable& places) {
  std::vector<ShardId> shards = places.own_ids();
  std::sort(shards.begin(), shards.end(),
            [](ShardId a, ShardId b) { return a.name() < b.name(); });
  return std::make_shared<EverywhereStrategy>(std::move(shards));
}

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
using OwnedKey = absl::InlinedVector<sql::Value, 2>;

absl::Status ReadKey(const BindRequest& request, const ShardRule& rule,
                     OwnedKey* key) {
  for (const sql::Column* column : rule.key) {
    SHARD_ASSIGN_OR_RETURN(const sql::ValueView part,
                           ReadKeyPart(request, *column));
    key->emplace_back(part);
  }
  return absl::OkStatus();
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
  absl::StatusOr<ShardId> shard = IsRead(request)
                                      ? rule.strategy->ShardFor(key)
                                      : rule.strategy->ShardForNew(key);
  if (shard.ok()) return shard;
  return Annotate(
      shard.status(),
      absl::StrCat("shard key ", Subject(request, *rule.key.front())));
}

// Of a rule whose key has no value, or that has no key.
absl::Status NoShardKey(const ShardRule& rule, const BindRequest& request) {
  if (rule.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no column decides the shard of '", rule.table()->name(),
        "' (ShardByHint); name the shard that it is for, as by OnShard()"));
  }
  const std::string follows =
      rule.parent.empty() ? std::string()
                          : absl::StrCat(" (it is that of the row of '",
                                         rule.parent.front()->table().name(),
                                         "' that this belongs to)");
  return absl::InvalidArgumentError(absl::StrCat(
      "shard key ", Subject(request, *rule.key.front()), follows,
      " is not set, so there is no shard to write to; set it first"));
}

constexpr char kReadAdvice[] =
    "add a condition on it or name the shards; "
    "HorizontalOptions::reads_without_key could allow it";
constexpr char kWriteAdvice[] =
    "add a condition on it, name the shards, or allow it by "
    "ExecutionOptions::all_shards or HorizontalOptions::writes_without_key";

absl::Status KeylessDenied(const char* what, const ShardRule& rule,
                           const char* advice) {
  return absl::FailedPreconditionError(absl::StrCat(
      what, " of '", rule.table()->name(), "' would go to all of ",
      NamesOf(rule.strategy->shards()), ", since it does not tell by ",
      rule.key.empty() ? "a shard key"
                       : absl::StrCat("shard key ", QuotedNames(rule.key)),
      " which it is for; ", advice));
}

// Whether the rule tells which row of its parent a row belongs to.
bool NamesPrimaryKey(const ShardRule& rule, const sql::Table& parent) {
  return !parent.primary_key().empty() &&
         std::all_of(parent.primary_key().begin(), parent.primary_key().end(),
                     [&rule](const sql::Column* column) {
                       return std::any_of(rule.links.begin(), rule.links.end(),
                                          [column](const auto& link) {
                                            return link.second == column;
                                          });
                     });
}

std::uint64_t NextSerial() {
  static std::atomic<std::uint64_t> latest = 0;
  return ++latest;
}

}  // namespace

HorizontalResolver::HorizontalResolver(HorizontalOptions options,
                                       ShardPlaceTable places, RuleTable rules)
    : options_(std::move(options)),
      places_(std::move(places)),
      rules_(std::move(rules)),
      has_everywhere_(
          std::any_of(rules_.rules().begin(), rules_.rules().end(),
                      [](const ShardRule& rule) { return rule.everywhere; })),
      serial_(NextSerial()) {}

absl::StatusOr<std::shared_ptr<HorizontalResolver>> HorizontalResolver::Create(
    HorizontalOptions options) {
  SHARD_ASSIGN_OR_RETURN(
      ShardPlaceTable places,
      ShardPlaceTable::Create(std::exchange(options.shards, {}),
                              std::exchange(options.namings, {})));
  for (ShardRule& rule : options.rules) {
    if (rule.everywhere) rule.strategy = AllOf(places);
  }
  SHARD_ASSIGN_OR_RETURN(RuleTable rules,
                         RuleTable::Create(std::exchange(options.rules, {})));
  std::shared_ptr<HorizontalResolver> resolver(new HorizontalResolver(
      std::move(options), std::move(places), std::move(rules)));
  SHARD_RETURN_IF_ERROR(resolver->CheckStrategies());
  SHARD_RETURN_IF_ERROR(resolver->CheckSharedDatabases());
  return resolver;
}

absl::Status HorizontalResolver::CheckSharedDatabases() const {
  std::vector<const sql::Table*> tables;
  for (const ShardRule& rule : rules_.rules()) tables.push_back(rule.table());
  return CheckTablesApart(places_.databases(), tables);
}

absl::Status HorizontalResolver::CheckStrategies() const {
  for (const ShardRule& rule : rules_.rules()) {
    for (const ShardId shard : rule.strategy->shards()) {
      if (places_.Has(shard)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "the strategy of '", rule.table()->name(), "' names shard '",
          shard.name(), "', which has no engine"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const HorizontalResolver::KeptPlan>>
HorizontalResolver::PlanOf(const sql::Statement& statement) const {
  if (auto known = statement.compile_cache().Find(this)) {
    auto kept = std::static_pointer_cast<const KeptPlan>(std::move(known));
    // Another resolver may have been here before.
    if (kept->resolver == serial_) return kept;
  }
  const RuleFinder find = FindRule();
  SHARD_ASSIGN_OR_RETURN(PruningPlan plan, PruningPlan::Make(find, statement));
  auto kept = std::make_shared<const KeptPlan>(
      KeptPlan{serial_, std::move(plan), HasSplittableList(statement, find)});
  statement.compile_cache().Store(this, kept);
  return kept;
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
  const ShardRule* rule = rules_.Find(*table);
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
  if (rule.key.empty()) return absl::NotFoundError("no column decides");
  OwnedKey kept;
  SHARD_RETURN_IF_ERROR(ReadKey(request, rule, &kept));
  absl::InlinedVector<sql::ValueView, 2> key;
  for (const sql::Value& value : kept) key.push_back(value.view());
  return ShardOfKey(rule, request, key);
}

bool HorizontalResolver::Forget(const BindRequest& request) {
  if (request.object == nullptr) return false;
  const absl::StatusOr<const ShardRule*> rule = RuleFor(request);
  if (!rule.ok()) return false;
  OwnedKey kept;
  if (!ReadKey(request, **rule, &kept).ok() || kept.empty()) return false;
  absl::InlinedVector<sql::ValueView, 2> key;
  for (const sql::Value& value : kept) key.push_back(value.view());
  return (*rule)->strategy->Forget(key);
}

absl::StatusOr<Bind> HorizontalResolver::ResolveObject(
    const BindRequest& request) const {
  SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleFor(request));
  SHARD_RETURN_IF_ERROR(CheckUpsert(request, *rule));
  const absl::StatusOr<ShardId> shard = ShardOfObject(*rule, request);
  if (shard.ok()) return places_.BindOf(*shard, request);
  if (!absl::IsNotFound(shard.status())) return shard.status();
  return NoShardKey(*rule, request);
}

absl::StatusOr<Bind> HorizontalResolver::Resolve(const BindRequest& request) {
  if (request.shard.has_value()) {
    return places_.BindOf(*request.shard, request);
  }
  if (request.object != nullptr && request.shards.empty() &&
      !WritesEverywhere(request)) {
    return ResolveObject(request);
  }
  SHARD_ASSIGN_OR_RETURN(const BindSet binds, ResolveAll(request));
  if (binds.size() == 1) return binds.front();
  ShardSet shards;
  for (const Bind& bind : binds) shards.push_back(bind.shard);
  if (!request.shards.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("this goes to one shard, and ", NamesOf(shards),
                     " are named; name one"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("this needs one shard, and may concern ", NamesOf(shards),
                   "; name the shard"));
}

absl::StatusOr<BindSet> HorizontalResolver::ResolveAll(
    const BindRequest& request) {
  if (request.shard.has_value()) {
    return places_.BindsOf({&*request.shard, 1}, request);
  }
  if (!request.shards.empty()) {
    return places_.BindsOfNamed(request.shards, request);
  }
  if (request.statement != nullptr &&
      request.statement->As<sql::TextStatement>() == nullptr) {
    SHARD_ASSIGN_OR_RETURN(const auto kept, PlanOf(*request.statement));
    SHARD_ASSIGN_OR_RETURN(const ShardSet shards,
                           ShardsOfStatement(request, kept->plan));
    if (has_everywhere_ && IsRead(request) && request.statement->is_select() &&
        kept->plan.anywhere()) {
      return NearestOf(request, shards);
    }
    return places_.BindsOf(shards, request);
  }
  SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleFor(request));
  if (rule->everywhere) {
    const std::vector<ShardId>& all = rule->strategy->shards();
    return IsRead(request) ? NearestOf(request, all)
                           : places_.BindsOf(all, request);
  }
  if (request.object != nullptr) {
    const absl::StatusOr<ShardId> shard = ShardOfObject(*rule, request);
    if (shard.ok()) return places_.BindsOf({&*shard, 1}, request);
    if (!absl::IsNotFound(shard.status())) return shard.status();
    if (request.operation == Operation::kRead &&
        !options_.reads_without_key.allowed() &&
        rule->strategy->shards().size() > 1) {
      return KeylessDenied("this read", *rule, kReadAdvice);
    }
  }
  return places_.BindsOf(rule->strategy->shards(), request);
}

absl::StatusOr<BindSet> HorizontalResolver::NearestOf(
    const BindRequest& request, absl::Span<const ShardId> shards) const {
  const auto* select = request.statement == nullptr
                           ? nullptr
                           : request.statement->As<sql::SelectStatement>();
  // Who wants to write them waits there.
  if (select != nullptr && select->for_update) {
    return places_.BindsOf(shards.first(1), request);
  }
  absl::StatusOr<Bind> nearest;
  bool is_up = false;
  for (const ShardId shard : places_.own_ids()) {
    absl::StatusOr<Bind> bind = places_.BindOf(shard, request);
    if (!bind.ok()) {
      if (!nearest.ok()) nearest = std::move(bind);
      continue;
    }
    if (request.history != nullptr &&
        request.history->With(*bind->engine).in_transaction) {
      return BindSet{*bind};
    }
    const bool up = bind->engine->unreachable_at() == absl::InfinitePast();
    if (nearest.ok() && (is_up || !up)) continue;
    nearest = bind;
    is_up = up;
  }
  if (!nearest.ok()) return nearest.status();
  return BindSet{*nearest};
}

bool HorizontalResolver::WritesEverywhere(const BindRequest& request) const {
  if (!has_everywhere_) return false;
  const sql::Table* table = nullptr;
  const sql::Statement* const statement = request.statement;
  if (statement == nullptr || statement->As<sql::TextStatement>() != nullptr) {
    if (request.class_info != nullptr) table = request.class_info->table;
  } else if (statement->is_select()) {
    const auto kept = PlanOf(*statement);
    return kept.ok() && (*kept)->plan.anywhere();
  } else {
    table = TablesOf(*statement).front();
  }
  const ShardRule* rule = table == nullptr ? nullptr : rules_.Find(*table);
  return rule != nullptr && rule->everywhere;
}

absl::StatusOr<ShardSet> HorizontalResolver::ShardsOfStatement(
    const BindRequest& request, const PruningPlan& plan) const {
  absl::StatusOr<ShardSet> shards = plan.Shards(request.parameters);
  if (shards.ok() && shards->size() > 1) {
    SHARD_RETURN_IF_ERROR(CheckKeyless(request, plan, *shards));
  }
  return shards;
}

absl::Status HorizontalResolver::CheckKeyless(const BindRequest& request,
                                              const PruningPlan& plan,
                                              const ShardSet& shards) const {
  const bool is_read = request.statement->is_select();
  const bool allowed =
      is_read ? options_.reads_without_key.allowed()
              : request.all_shards ||
                    options_.writes_without_key == KeylessWrites::kAllow;
  if (allowed || plan.IsKeyed(shards, request.parameters)) {
    return absl::OkStatus();
  }
  const bool is_update =
      request.statement->As<sql::UpdateStatement>() != nullptr;
  return is_read ? KeylessDenied("this SELECT", plan.rule(), kReadAdvice)
                 : KeylessDenied(is_update ? "this UPDATE" : "this DELETE",
                                 plan.rule(), kWriteAdvice);
}

std::optional<std::int64_t> HorizontalResolver::MostRows(
    const BindRequest& request) {
  const std::optional<std::int64_t> most =
      options_.reads_without_key.most_rows();
  const bool named = request.shard.has_value() || !request.shards.empty();
  if (!most.has_value() || named || request.statement == nullptr ||
      !request.statement->is_select()) {
    return std::nullopt;
  }
  const auto kept = PlanOf(*request.statement);
  if (!kept.ok()) return most;
  const auto shards = (*kept)->plan.Shards(request.parameters);
  if (shards.ok() && (*kept)->plan.IsKeyed(*shards, request.parameters)) {
    return std::nullopt;
  }
  return most;
}

std::optional<sql::Statement> HorizontalResolver::StatementFor(
    const BindRequest& request, const Bind& bind) {
  if (request.statement == nullptr) return std::nullopt;
  const ShardId ours = places_.OursOf(bind.shard);
  std::optional<sql::Statement> split;
  const auto kept = PlanOf(*request.statement);
  if (kept.ok() && (*kept)->has_list) {
    split =
        SplitLists(*request.statement, FindRule(), request.parameters, ours);
  }
  if (BindResolver* inner = places_.ResolverOf(bind.shard)) {
    BindRequest inside = request;
    if (split.has_value()) inside.statement = &*split;
    if (auto more = inner->StatementFor(inside, bind)) return more;
  }
  return split;
}

absl::StatusOr<Route> HorizontalResolver::Explain(const BindRequest& request) {
  Route route;
  const bool named = request.shard.has_value() || !request.shards.empty();
  if (request.object != nullptr) {
    SHARD_ASSIGN_OR_RETURN(const Bind bind, Resolve(request));
    route.binds = {bind};
  } else {
    SHARD_ASSIGN_OR_RETURN(route.binds, ResolveAll(request));
  }
  if (named) {
    route.why = "named by the caller";
  } else if (request.object == nullptr && request.statement != nullptr &&
             request.statement->As<sql::TextStatement>() == nullptr) {
    SHARD_ASSIGN_OR_RETURN(const auto kept, PlanOf(*request.statement));
    SHARD_ASSIGN_OR_RETURN(const ShardSet shards,
                           kept->plan.Shards(request.parameters));
    route.why = kept->plan.Why(shards, request.parameters);
  } else {
    SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleFor(request));
    route.why =
        rule->everywhere ? absl::StrCat("rows of '", rule->table()->name(),
                                        "' stand on all shards")
        : request.object != nullptr
            ? absl::StrCat("by the row's shard key ", QuotedNames(rule->key))
            : absl::StrCat("all shards of '", rule->table()->name(),
                           "', since raw SQL text is not read");
  }
  return route;
}

std::vector<CoLocatedRows> HorizontalResolver::CoLocatedWith(
    const sql::Table& table) const {
  std::vector<CoLocatedRows> followers;
  for (const ShardRule& rule : rules_.rules()) {
    if (rule.parent.empty() || &rule.parent.front()->table() != &table ||
        !NamesPrimaryKey(rule, table)) {
      continue;
    }
    followers.push_back({rule.table(), rule.links});
  }
  return followers;
}

std::vector<const sql::Column*> HorizontalResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  const ShardRule* rule = rules_.Find(*class_info.table);
  return rule == nullptr ? std::vector<const sql::Column*>() : rule->key;
}

}  // namespace shard
