#include "shard/router/condition.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/router/may_write.h"
#include "shard/router/session_history.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

bool IsUnder(const sql::ClassInfo* class_info, const sql::ClassInfo& base) {
  if (class_info == nullptr) return false;
  return class_info == &base ||
         std::any_of(
             class_info->bases.begin(), class_info->bases.end(),
             [&base](const auto* nearer) { return IsUnder(nearer, base); });
}

bool Touches(const BindRequest& request, const sql::Table& table) {
  for (const auto* c = request.class_info; c != nullptr; c = c->joined_to) {
    if (c->table == &table) return true;
  }
  if (request.statement == nullptr) return false;
  const std::vector<const sql::Table*> tables = TablesOf(*request.statement);
  return std::find(tables.begin(), tables.end(), &table) != tables.end();
}

const sql::Value* ArgumentOf(const BindRequest& request,
                             const std::string& name) {
  return request.arguments == nullptr ? nullptr : request.arguments->Find(name);
}

std::string Joined(const std::vector<Condition>& conditions,
                   std::string_view word) {
  std::string words;
  for (const Condition& condition : conditions) {
    absl::StrAppend(&words, words.empty() ? "" : ToAbsl(word),
                    condition.words());
  }
  return absl::StrCat("(", words, ")");
}

}  // namespace

Condition Writes() { return {"writes", &MayWrite}; }

Condition Reads() {
  return {"reads",
          [](const BindRequest& request) { return !MayWrite(request); }};
}

Condition ClassIs(const sql::ClassInfo& class_info) {
  return {absl::StrCat("class ", class_info.name),
          [&class_info](const BindRequest& request) {
            return IsUnder(request.class_info, class_info);
          }};
}

Condition ForTable(const sql::Table& table) {
  return {
      absl::StrCat("table '", table.name(), "'"),
      [&table](const BindRequest& request) { return Touches(request, table); }};
}

Condition ArgumentIs(std::string_view name, sql::Value value) {
  return {absl::StrCat("argument '", ToAbsl(name), "' of a certain value"),
          [name = std::string(name),
           value = std::move(value)](const BindRequest& request) {
            const sql::Value* given = ArgumentOf(request, name);
            return given != nullptr && *given == value;
          }};
}

Condition HasArgument(std::string_view name) {
  return {absl::StrCat("argument '", ToAbsl(name), "'"),
          [name = std::string(name)](const BindRequest& request) {
            return ArgumentOf(request, name) != nullptr;
          }};
}

Condition HasWrittenTo(std::shared_ptr<Engine> engine) {
  std::string words =
      absl::StrCat("sessions that wrote to '", engine->name(), "'");
  return {std::move(words),
          [engine = std::move(engine)](const BindRequest& request) {
            return request.history != nullptr &&
                   request.history->With(*engine).wrote;
          }};
}

Condition AllOf(std::vector<Condition> conditions) {
  std::string words = Joined(conditions, " and ");
  return {std::move(words),
          [conditions = std::move(conditions)](const BindRequest& request) {
            return std::all_of(
                conditions.begin(), conditions.end(),
                [&](const auto& condition) { return condition(request); });
          }};
}

Condition AnyOf(std::vector<Condition> conditions) {
  std::string words = Joined(conditions, " or ");
  return {std::move(words),
          [conditions = std::move(conditions)](const BindRequest& request) {
            return std::any_of(
                conditions.begin(), conditions.end(),
                [&](const auto& condition) { return condition(request); });
          }};
}

Condition Not(Condition condition) {
  std::string words = absl::StrCat("not ", condition.words());
  return {std::move(words),
          [condition = std::move(condition)](const BindRequest& request) {
            return !condition(request);
          }};
}

}  // namespace shard
