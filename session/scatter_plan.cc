#include "shard/session/scatter_plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

using sql::Expression;

absl::Status Refuse(std::string_view what, std::string_view advice) {
  return absl::UnimplementedError(
      absl::StrCat(std::string(what),
                   " over several shards would give a wrong "
                   "answer; ",
                   std::string(advice)));
}

constexpr char kNarrow[] =
    "narrow the statement to one shard by its shard key, or name the shard";

absl::Status CheckExpression(const Expression& expression) {
  absl::Status status;
  sql::Walk(expression, [&status](const Expression& e) {
    if (!status.ok()) return;
    if (const auto* function = e.As<sql::FunctionNode>()) {
      if (function->kind == sql::FunctionKind::kAggregate) {
        status = Refuse(absl::StrCat("the aggregate ", function->name, "()"),
                        kNarrow);
      } else if (function->kind == sql::FunctionKind::kUnknown) {
        status = Refuse(absl::StrCat("the function ", function->name, "()"),
                        "if it looks at one row only, say so by ScalarFunc");
      }
    } else if (e.As<sql::TextNode>() != nullptr) {
      status = Refuse("raw SQL text", kNarrow);
    } else if (e.As<sql::SubqueryNode>() != nullptr ||
               (e.As<sql::InNode>() != nullptr &&
                e.As<sql::InNode>()->query != nullptr)) {
      status = Refuse("a subquery", kNarrow);
    }
  });
  return status;
}

absl::Status CheckClauses(const sql::SelectStatement& select) {
  // Here, before they are added up.
  if (select.limit.value_or(0) < 0 || select.offset < 0) {
    return absl::InvalidArgumentError("LIMIT and OFFSET must not be negative");
  }
  if (!select.group_by.empty()) return Refuse("GROUP BY", kNarrow);
  if (!select.having.empty()) return Refuse("HAVING", kNarrow);
  if (select.distinct) return Refuse("DISTINCT", kNarrow);
  if (select.for_update && select.limit.has_value()) {
    return Refuse("FOR UPDATE with LIMIT", kNarrow);
  }
  return CheckScatters(ExpressionsOf(select));
}

bool SortsByBytesEverywhere(absl::Span<const ScatterPlace> places) {
  return std::all_of(
      places.begin(), places.end(),
      [](const ScatterPlace& place) { return place.text_sorts_by_bytes; });
}

// A collation inside a function or CASE carries outward, so one other than by
// bytes anywhere in the expression decides.
bool SortsByBytes(const Expression& expression,
                  absl::Span<const ScatterPlace> places) {
  bool other = false;
  sql::Walk(expression, [&other](const Expression& e) {
    const auto* collate = e.As<sql::CollateNode>();
    other = other || (collate != nullptr && collate->collation != "C");
  });
  if (other) return false;
  return expression.As<sql::CollateNode>() != nullptr ||
         SortsByBytesEverywhere(places);
}

absl::Status CheckSortable(const Expression& expression,
                           absl::Span<const ScatterPlace> places) {
  switch (expression->type) {
    case sql::ValueType::kNull:
      return Refuse("ORDER BY an expression of unknown type",
                    "give it a type by Typed<T> or Cast<T>");
    case sql::ValueType::kJson:
      return Refuse("ORDER BY JSON", "order by another column");
    case sql::ValueType::kText:
      if (SortsByBytes(expression, places)) return absl::OkStatus();
      return Refuse("ORDER BY text in a language's collation",
                    "order by Collate(column, \"C\")");
    default:
      return absl::OkStatus();
  }
}

bool OneDialect(absl::Span<const ScatterPlace> places) {
  return std::all_of(
      places.begin(), places.end(), [&](const ScatterPlace& place) {
        return &place.dialect->plain() == &places.front().dialect->plain();
      });
}

// Which cell of the row has the value of `expression`; adds a hidden column
// when none has.
std::size_t CellOf(const Expression& expression, sql::SelectStatement* select) {
  const auto* wanted = expression.As<sql::ColumnNode>();
  for (std::size_t i = 0; i < select->columns.size(); ++i) {
    const auto* column = select->columns[i].expression.As<sql::ColumnNode>();
    if (wanted != nullptr && column != nullptr &&
        column->column == wanted->column && column->alias == wanted->alias) {
      return i;
    }
  }
  select->Column(expression);
  return select->columns.size() - 1;
}

// Where NULLs go, said aloud where dialects differ.
bool NullsFirst(sql::OrderTerm& term, absl::Span<const ScatterPlace> places) {
  if (term.nulls == sql::NullOrder::kEngine) {
    if (OneDialect(places)) {
      return places.front().dialect->nulls_sort_low() != term.descending;
    }
    term.nulls =
        term.descending ? sql::NullOrder::kFirst : sql::NullOrder::kLast;
  }
  return term.nulls == sql::NullOrder::kFirst;
}

}  // namespace

absl::Status CheckScatters(const std::vector<Expression>& expressions) {
  for (const Expression& expression : expressions) {
    SHARD_RETURN_IF_ERROR(CheckExpression(expression));
  }
  return absl::OkStatus();
}

absl::StatusOr<ScatterPlan> PlanScatter(const sql::SelectStatement& select,
                                        absl::Span<const ScatterPlace> places) {
  SHARD_RETURN_IF_ERROR(CheckClauses(select));
  ScatterPlan plan;
  plan.per_shard = select;
  plan.visible = select.columns.size();
  plan.limit = select.limit;
  plan.offset = select.offset;
  for (sql::OrderTerm& term : plan.per_shard.order_by) {
    SHARD_RETURN_IF_ERROR(CheckSortable(term.expression, places));
    const bool nulls_first = NullsFirst(term, places);
    plan.keys.push_back({CellOf(term.expression, &plan.per_shard),
                         term.descending, nulls_first});
  }
  // The rows skipped may all come from one shard, so each must offer them.
  plan.per_shard.offset = 0;
  if (select.limit.has_value() &&
      __builtin_add_overflow(*select.limit, select.offset,
                             &*plan.per_shard.limit)) {
    return absl::OutOfRangeError("OFFSET + LIMIT does not fit in 64 bits");
  }
  return plan;
}

}  // namespace shard
