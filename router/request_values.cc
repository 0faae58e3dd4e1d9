#include "shard/router/request_values.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/router/column_classes.h"
#include "shard/router/key_predicate.h"
#include "shard/router/null_rejection.h"
#include "shard/sql/dml.h"
#include "shard/sql/select.h"

namespace shard {
namespace {

using Values = std::optional<std::vector<sql::Value>>;

Values ValuesIn(const sql::Expression& condition, const sql::Column& column,
                const std::string& alias, const sql::Parameters* parameters) {
  ColumnClasses classes;
  classes.Add(condition);
  std::vector<KeyPart> names(1);
  for (ColumnRef& ref : classes.Of({&column, alias})) {
    // Unlike a shard key it may be NULL.
    names.front().refs.push_back({std::move(ref), /*may_be_missing=*/true});
  }
  KeyPredicate read({&column});
  read.Add(condition, names);
  return read.ValuesOfFirst(parameters);
}

// Of every table of that name; one that is not limited may have any.
Values ValuesInSelect(const sql::SelectStatement& select,
                      const sql::Column& column,
                      const sql::Parameters* parameters) {
  std::vector<bool> is_left;
  const sql::Expression filter = FilterOf(select, &is_left);
  Values all;
  for (const sql::TableRef& table : select.Tables()) {
    if (table.table != &column.table()) continue;
    for (std::size_t i = 0; i < is_left.size(); ++i) {
      if (is_left[i] && select.joins[i].table == table) return std::nullopt;
    }
    const Values values = ValuesIn(filter, column, table.alias, parameters);
    if (!values.has_value()) return std::nullopt;
    if (!all.has_value()) all.emplace();
    for (const sql::Value& value : *values) {
      if (std::find(all->begin(), all->end(), value) == all->end()) {
        all->push_back(value);
      }
    }
  }
  return all;
}

}  // namespace

absl::StatusOr<sql::Value> KnownValue(const BindRequest& request,
                                      const sql::Column& column) {
  if (request.object == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no object or row to read '",
                     column.QualifiedName(), "' from"));
  }
  const absl::StatusOr<sql::ValueView> view = request.object->Read(column);
  if (!view.ok()) return view.status();
  return sql::Value(*view);
}

Values PossibleValues(const BindRequest& request, const sql::Column& column) {
  if (request.statement == nullptr) return std::nullopt;
  const sql::Statement& statement = *request.statement;
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    return ValuesInSelect(*select, column, request.parameters);
  }
  if (const auto* update = statement.As<sql::UpdateStatement>()) {
    return ValuesIn(update->where, column, "", request.parameters);
  }
  if (const auto* remove = statement.As<sql::DeleteStatement>()) {
    return ValuesIn(remove->where, column, "", request.parameters);
  }
  return std::nullopt;
}

}  // namespace shard
