#include "shard/router/vertical_resolver.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

template <class Binds, class Key>
const BindTarget* FindIn(const Binds& binds, const Key& key) {
  const auto found = binds.find(&key);
  return found == binds.end() ? nullptr : &found->second;
}

std::string NameOf(const sql::Table& table) {
  return absl::StrCat("table '", table.name(), "'");
}

std::string NameOf(const sql::ClassInfo& class_info) {
  return class_info.table == nullptr
             ? absl::StrCat("class ", class_info.name)
             : absl::StrCat("class ", class_info.name, " (",
                            NameOf(*class_info.table), ")");
}

absl::Status Unbound(const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, " is not bound to a database; bind it, or a default"));
}

absl::Status OnTwoPlaces(const std::string& first, const BindTarget& one,
                         const std::string& second, const BindTarget& other) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the statement needs ", first, ", bound to ", one.DebugString(), ", and ",
      second, ", bound to ", other.DebugString(),
      ": different databases; split it into one statement for each"));
}

// Whether the class has rows in the table, its own or those that they extend.
bool HasRowsIn(const sql::ClassInfo& class_info, const sql::Table& table) {
  for (const auto* c = &class_info; c != nullptr; c = c->joined_to) {
    if (c->table == &table) return true;
  }
  return false;
}

// The class that a request for a statement over these tables is about; null
// where only they count.
const sql::ClassInfo* SubjectOf(const BindRequest& request) {
  if (request.class_info != nullptr && !request.class_is_of_table) {
    return request.class_info;
  }
  return request.statement->class_info();
}

}  // namespace

void VerticalResolver::Note(const BindTarget& target, const std::string& what) {
  if (!target.empty() || !status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat(
      what, " was bound to a null pointer; bind an engine or a resolver"));
}

VerticalResolver& VerticalResolver::BindClass(const sql::ClassInfo& class_info,
                                              BindTarget target) {
  Note(target, NameOf(class_info));
  for (const auto* c = class_info.joined_to; c != nullptr; c = c->joined_to) {
    if (c->table != nullptr) tables_of_subclasses_[c->table] = target;
  }
  if (class_info.table != nullptr) {
    tables_of_classes_[class_info.table] = target;
  }
  classes_[&class_info] = std::move(target);
  return *this;
}

VerticalResolver& VerticalResolver::BindTable(const sql::Table& table,
                                              BindTarget target) {
  Note(target, NameOf(table));
  tables_[&table] = std::move(target);
  return *this;
}

VerticalResolver& VerticalResolver::BindMetaData(const sql::MetaData& metadata,
                                                 const BindTarget& target) {
  Note(target, "metadata");
  for (const sql::Table* table : metadata.tables()) metadata_[table] = target;
  return *this;
}

VerticalResolver& VerticalResolver::BindDefault(BindTarget target) {
  Note(target, "the default");
  default_ = std::move(target);
  return *this;
}

const BindTarget* VerticalResolver::FindInMro(
    const sql::ClassInfo& class_info) const {
  if (const BindTarget* own = FindIn(classes_, class_info)) return own;
  if (class_info.bases.empty()) return nullptr;
  for (const sql::ClassInfo* c : MroOf(class_info)) {
    if (const BindTarget* target = FindIn(classes_, *c)) return target;
  }
  return nullptr;
}

const BindTarget* VerticalResolver::FindBound(const sql::Table& table) const {
  for (const auto* binds :
       {&tables_, &tables_of_classes_, &tables_of_subclasses_}) {
    if (const BindTarget* target = FindIn(*binds, table)) return target;
  }
  return nullptr;
}

const BindTarget* VerticalResolver::FindDefault(const sql::Table* table) const {
  if (!default_.empty()) return &default_;
  return table == nullptr ? nullptr : FindIn(metadata_, *table);
}

const BindTarget* VerticalResolver::FindForClass(
    const sql::ClassInfo& class_info) const {
  if (const BindTarget* target = FindInMro(class_info)) return target;
  const sql::Table* const table = RootOf(class_info).table;
  if (table != nullptr) {
    if (const BindTarget* target = FindBound(*table)) return target;
  }
  return FindDefault(table);
}

const BindTarget* VerticalResolver::FindForTable(const sql::Table& table,
                                                 bool class_first) const {
  const sql::ClassInfo* const mapped = table.mapped_class();
  if (mapped != nullptr && class_first) return FindForClass(*mapped);
  if (const BindTarget* target = FindBound(table)) return target;
  return mapped != nullptr ? FindForClass(*mapped) : FindDefault(&table);
}

absl::StatusOr<const BindTarget*> VerticalResolver::FindForTables(
    const std::vector<const sql::Table*>& tables,
    const sql::ClassInfo* class_info) const {
  const BindTarget* one = nullptr;
  std::string first;
  if (class_info != nullptr) {
    one = FindForClass(*class_info);
    if (one == nullptr) return Unbound(NameOf(*class_info));
  }
  const sql::Table* first_table = nullptr;
  for (const sql::Table* table : tables) {
    if (class_info != nullptr && HasRowsIn(*class_info, *table)) continue;
    const BindTarget* target = FindForTable(*table, class_info != nullptr);
    if (target == nullptr) return Unbound(NameOf(*table));
    if (one != nullptr && *one != *target) {
      return OnTwoPlaces(
          first_table != nullptr ? NameOf(*first_table) : NameOf(*class_info),
          *one, NameOf(*table), *target);
    }
    if (one == nullptr) first_table = table;
    one = target;
  }
  return one;
}

absl::StatusOr<const BindTarget*> VerticalResolver::Find(
    const BindRequest& request) const {
  SHARD_RETURN_IF_ERROR(status_);
  const sql::Statement* const statement = request.statement;
  const std::vector<const sql::Table*> tables =
      statement == nullptr ? std::vector<const sql::Table*>()
                           : TablesOf(*statement);
  if (tables.empty()) {
    if (request.class_info != nullptr) {
      const BindTarget* target = FindForClass(*request.class_info);
      if (target == nullptr) return Unbound(NameOf(*request.class_info));
      return target;
    }
    if (!default_.empty()) return &default_;
    return absl::FailedPreconditionError(
        "a statement that names no class or table is not bound to a database; "
        "say which class, shard or engine it is for, or bind a default");
  }
  const sql::ClassInfo* subject = SubjectOf(request);
  if (subject != nullptr &&
      std::none_of(tables.begin(), tables.end(), [&](const sql::Table* table) {
        return HasRowsIn(*subject, *table);
      })) {
    // The caller knows better than the tables.
    if (const BindTarget* target = FindInMro(*subject)) return target;
    subject = statement->class_info();
  }
  return FindForTables(tables, subject);
}

absl::StatusOr<Bind> VerticalResolver::Resolve(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const BindTarget* target, Find(request));
  return (*target)->Resolve(request);
}

absl::StatusOr<BindSet> VerticalResolver::ResolveAll(
    const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const BindTarget* target, Find(request));
  return (*target)->ResolveAll(request);
}

bool VerticalResolver::Forget(const BindRequest& request) {
  const absl::StatusOr<const BindTarget*> target = Find(request);
  return target.ok() && (**target)->Forget(request);
}

// Which bind it is, before what is said there.
absl::StatusOr<Route> VerticalResolver::Explain(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const BindTarget* target, Find(request));
  SHARD_ASSIGN_OR_RETURN(Route route, (*target)->Explain(request));
  std::string bound = "by the default bind";
  const sql::ClassInfo* const about = request.class_info;
  if (about != nullptr && FindInMro(*about) == target) {
    bound = absl::StrCat("by the bind of class ", about->name);
  } else if (target != &default_) {
    bound = "by the bind of its table";
  }
  route.why = absl::StrCat(bound, ": ", route.why);
  return route;
}

std::optional<sql::Statement> VerticalResolver::StatementFor(
    const BindRequest& request, const Bind& bind) {
  const absl::StatusOr<const BindTarget*> target = Find(request);
  return target.ok() ? (**target)->StatementFor(request, bind) : std::nullopt;
}

std::optional<std::int64_t> VerticalResolver::MostRows(
    const BindRequest& request) {
  const absl::StatusOr<const BindTarget*> target = Find(request);
  return target.ok() ? (**target)->MostRows(request) : std::nullopt;
}

std::vector<const BindTarget*> VerticalResolver::Targets() const {
  std::vector<const BindTarget*> targets;
  for (const auto* binds : {&tables_, &metadata_}) {
    for (const auto& [table, target] : *binds) targets.push_back(&target);
  }
  for (const auto& [class_info, target] : classes_) targets.push_back(&target);
  targets.push_back(&default_);
  std::erase_if(targets, [](const BindTarget* t) { return t->empty(); });
  return targets;
}

std::vector<ShardId> VerticalResolver::Shards() const {
  std::vector<ShardId> shards;
  for (const BindTarget* target : Targets()) {
    for (const ShardId shard : (*target)->Shards()) {
      if (std::find(shards.begin(), shards.end(), shard) == shards.end()) {
        shards.push_back(shard);
      }
    }
  }
  return shards;
}

bool VerticalResolver::Reaches(const Engine& engine) const {
  const std::vector<const BindTarget*> targets = Targets();
  return std::any_of(
      targets.begin(), targets.end(),
      [&](const BindTarget* target) { return (*target)->Reaches(engine); });
}

ShardId VerticalResolver::ShardOf(const Engine& engine) const {
  for (const BindTarget* target : Targets()) {
    const ShardId shard = (*target)->ShardOf(engine);
    if (!shard.is_none()) return shard;
  }
  return ShardId();
}

bool VerticalResolver::WritesEverywhere(const BindRequest& request) const {
  const absl::StatusOr<const BindTarget*> target = Find(request);
  return target.ok() && (**target)->WritesEverywhere(request);
}

std::vector<const sql::Column*> VerticalResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  const BindTarget* target = FindForClass(class_info);
  return target == nullptr ? std::vector<const sql::Column*>()
                           : (*target)->ShardKey(class_info);
}

std::vector<CoLocatedRows> VerticalResolver::CoLocatedWith(
    const sql::Table& table) const {
  const BindTarget* target = FindForTable(table, false);
  return target == nullptr ? std::vector<CoLocatedRows>()
                           : (*target)->CoLocatedWith(table);
}

}  // namespace shard
