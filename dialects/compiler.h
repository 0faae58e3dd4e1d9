// The visitor that writes one statement as text.
#ifndef SHARD_DIALECTS_COMPILER_H_
#define SHARD_DIALECTS_COMPILER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/dialect.h"
#include "shard/sql/expression.h"
#include "shard/sql/statement.h"
#include "shard/sql/value_type.h"

namespace shard {

// Writes one statement; used once. The first error stops it and is returned.
// Standard SQL is written here, what differs is asked of the Dialect. Not
// thread-safe; the dialect must outlive it.
class Compiler {
 public:
  explicit Compiler(const Dialect& dialect) : dialect_(dialect) {}

  absl::StatusOr<std::shared_ptr<const CompiledStatement>> Run(
      const sql::Statement& statement) &&;

 private:
  void Compile(const sql::SelectStatement& select);
  void Compile(const sql::InsertStatement& insert);
  void Compile(const sql::UpdateStatement& update);
  void Compile(const sql::DeleteStatement& remove);
  void Compile(const sql::TextStatement& text);

  // The clauses of a SELECT; a subquery's are not result columns.
  void Select(const sql::SelectStatement& select);
  void SelectClauses(const sql::SelectStatement& select);
  // "(SELECT ...)", its columns qualified: it may name the outer tables' too.
  void Subquery(const sql::SelectStatement& select);
  void From(const sql::SelectStatement& select);
  void OrderBy(const sql::OrderTerm& term);
  void LimitAndOffset(const sql::SelectStatement& select);
  void SelectList(const std::vector<sql::SelectItem>& items, bool distinct);
  void ResultColumns(const std::vector<sql::SelectItem>& items);
  void Conflict(const sql::ConflictClause& conflict);
  void Returning(const std::vector<sql::SelectItem>& items);
  void Assignments(const std::vector<sql::ColumnAssignment>& assignments);
  // The name of a column that the statement writes to. `seen` are those of the
  // same list so far; `value`, what it gets, may say why there is no column.
  void TargetColumn(const sql::Column* column, const sql::Expression& value,
                    std::vector<const sql::Column*>& seen);
  void Where(const sql::Expression& condition);

  struct NodeWriter;
  void Write(const sql::Expression& expression);
  void Write(const sql::ColumnNode& node);
  void Write(const sql::UnaryNode& node);
  void Write(const sql::BinaryNode& node);
  void Write(const sql::ConjunctionNode& node);
  void Write(const sql::InNode& node);
  void Write(const sql::BetweenNode& node);
  void Write(const sql::FunctionNode& node);
  void Write(const sql::CaseNode& node);
  void Write(const sql::TextNode& node);
  void WriteList(const std::vector<sql::Expression>& list);
  // An operand of a comparison or sort, with the collation it needs.
  void WriteComparable(const sql::Expression& expression, bool is_decimal);

  static bool IsDecimal(const sql::Expression& expression) {
    return !expression.empty() && expression->type == sql::ValueType::kDecimal;
  }
  // Where decimals are kept as text, arithmetic would quietly use doubles.
  void RefuseInexact(const sql::Expression& operand, const char* what);

  void Identifier(std::string_view name);
  void Table(const sql::TableRef& table);
  // The table that the statement writes to.
  void Target(const sql::Table& table) { Table(sql::TableRef(table)); }
  void AddParameter(CompiledParameter parameter);
  void Append(std::string_view text) { out_.text.append(text); }
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  const Dialect& dialect_;
  CompiledStatement out_;
  absl::Status status_;
  // The tables that a column may belong to here, those of outer queries first.
  std::vector<sql::TableRef> scope_;
  // In a statement over one table columns go without the table's name, which
  // UPDATE's SET and ON CONFLICT need anyway.
  bool qualify_columns_ = false;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_COMPILER_H_
