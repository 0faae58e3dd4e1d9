#include "shard/dialects/postgres/update_task.h"

#include <libpq-fe.h>

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/postgres/postgres_dialect.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/row_update.h"

namespace shard::postgres {
namespace {

// Fewer are as quick in a pipeline, and need no look at the table.
constexpr std::size_t kFewestRows = 32;

// A name of the library's own, so that nobody's is in the way.
constexpr char kRows[] = "shard_rows";

// "shard_rows.c3", cast where its column is of a type that text does not turn
// into by itself.
std::string Cell(const TableFacts& facts, const std::string& column,
                 sql::ValueType type, std::size_t cell) {
  const std::string text = absl::StrCat(kRows, ".c", cell + 1);
  const auto cast = facts.casts.find(column);
  if (!ElementFor(type).as_text || cast == facts.casts.end()) return text;
  return absl::StrCat("CAST(", text, " AS ", cast->second, ")");
}

}  // namespace

bool IsWorthPaging(const Request& request) {
  if (!request.one_row_each || request.runs < kFewestRows ||
      request.statement->row_update == nullptr) {
    return false;
  }
  const auto& parameters = request.statement->parameters;
  const std::size_t cells = parameters.size();
  if (request.parameters.size() != cells * request.runs) return false;
  for (const CompiledParameter& parameter : parameters) {
    if (parameter.type == sql::ValueType::kNull) return false;
  }
  for (std::size_t i = 0; i < request.parameters.size(); ++i) {
    if (!CheckElement(request.parameters[i], parameters[i % cells].type).ok()) {
      return false;
    }
  }
  return true;
}

// The arrays come by way of a subquery: the planner, which cannot see their
// length there, then keeps one plan for pages of every size.
absl::StatusOr<std::string> PageUpdateText(const Request& request,
                                           const TableFacts& facts) {
  const PostgresDialect& dialect = PostgresDialect::Instance();
  const RowUpdate& update = *request.statement->row_update;
  const auto& parameters = request.statement->parameters;
  SHARD_ASSIGN_OR_RETURN(const std::string table,
                         dialect.QuoteQualified(update.schema, update.table));
  std::string text = absl::StrCat("UPDATE ", table, " SET ");
  std::size_t cell = 0;
  for (const std::string& name : update.columns) {
    SHARD_ASSIGN_OR_RETURN(const std::string column,
                           dialect.QuoteIdentifier(name));
    absl::StrAppend(&text, cell == 0 ? "" : ", ", column, " = ",
                    Cell(facts, name, parameters[cell].type, cell));
    ++cell;
  }
  std::string unnested, arrays;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const char* const comma = i == 0 ? "" : ", ";
    absl::StrAppend(&unnested, comma, "unnest(c", i + 1, ") AS c", i + 1);
    absl::StrAppend(&arrays, comma, "$", i + 1,
                    "::", ToAbsl(ElementFor(parameters[i].type).array_name),
                    " AS c", i + 1);
  }
  absl::StrAppend(&text, " FROM (SELECT ", unnested, " FROM (SELECT ", arrays,
                  " OFFSET 0) AS k) AS ", kRows, " WHERE ");
  for (std::size_t i = 0; i < update.match.size(); ++i, ++cell) {
    SHARD_ASSIGN_OR_RETURN(const std::string column,
                           dialect.QuoteIdentifier(update.match[i]));
    absl::StrAppend(&text, i == 0 ? "" : " AND ", table, ".", column, " = ",
                    Cell(facts, update.match[i], parameters[cell].type, cell));
  }
  return text;
}

void PageUpdateTask::Prepare(const Request& request, std::string text) {
  request_ = request;
  text_ = std::move(text);
  statement_ = nullptr;
  changed_all_ = true;
  cells_ = request.statement->parameters.size();
  types_.clear();
  for (std::size_t i = 0; i < cells_; ++i) {
    types_.push_back(ElementFor(TypeOf(i)).array);
  }
  arrays_.resize(cells_);
  pages_.Cut(request.parameters, cells_, request.runs);
}

bool PageUpdateTask::Send(std::size_t step, Pipeline& pipeline) {
  const auto cells = request_.parameters.subspan(pages_.begin(step) * cells_,
                                                 pages_.rows(step) * cells_);
  buffer_.Clear();
  for (std::size_t i = 0; i < cells_; ++i) {
    arrays_[i].Encode(TypeOf(i), cells.subspan(i), cells_);
    buffer_.AddBinary(arrays_[i].wire());
  }
  if (statement_ == nullptr) {
    statement_ = pipeline.state().statements().Find(text_, types_);
  }
  const bool sent =
      pipeline.SendPrepared(statement_, text_, types_, buffer_, true);
  for (ArrayParameter& array : arrays_) array.Trim();
  return sent;
}

absl::Status PageUpdateTask::Receive(std::size_t step, const PGresult* result) {
  if (static_cast<std::size_t>(AffectedRows(result)) != pages_.rows(step)) {
    changed_all_ = false;
  }
  return absl::OkStatus();
}

absl::Status PageUpdateTask::Explain(std::size_t step,
                                     const absl::Status& error) const {
  return pages_.Explain(step, error);
}

}  // namespace shard::postgres
