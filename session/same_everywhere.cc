#include "shard/session/same_everywhere.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"
#include "shard/sql/column.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

// lower() and upper() depend on the database's locale.
bool IsSameEverywhere(const std::string& function) {
  const std::string name = absl::AsciiStrToLower(function);
  return name == "abs" || name == "coalesce" || name == "length";
}

absl::Status MayDiffer(const std::string& what) {
  return absl::UnimplementedError(absl::StrCat(
      what,
      " may come to something else on each shard, and the rows are to be the "
      "same on all; compute the value first and give it"));
}

absl::Status CheckExpression(const sql::Expression& expression) {
  absl::Status status;
  sql::Walk(expression, [&status](const sql::Expression& e) {
    if (!status.ok()) return;
    if (const auto* function = e.As<sql::FunctionNode>()) {
      if (!IsSameEverywhere(function->name)) {
        status = MayDiffer(absl::StrCat("the function ", function->name, "()"));
      }
    } else if (e.As<sql::TextNode>() != nullptr) {
      status = MayDiffer("raw SQL text");
    }
  });
  return status;
}

absl::Status CheckInsert(const sql::InsertStatement& insert) {
  for (const sql::Column& column : insert.table->columns()) {
    const bool made = &column == insert.table->generated_key() ||
                      !column.server_default().empty();
    if (!made || std::find(insert.columns.begin(), insert.columns.end(),
                           &column) != insert.columns.end()) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "the INSERT leaves '", column.QualifiedName(),
        "' to the database, and each shard would make its own, where the rows "
        "are to be the same on all; give it a value, or Add objects and flush "
        "them"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSameEverywhere(const sql::Statement& statement) {
  if (const auto* insert = statement.As<sql::InsertStatement>()) {
    SHARD_RETURN_IF_ERROR(insert->error);
    SHARD_RETURN_IF_ERROR(CheckInsert(*insert));
  }
  for (const sql::Expression& expression : ExpressionsOf(statement)) {
    SHARD_RETURN_IF_ERROR(CheckExpression(expression));
  }
  return absl::OkStatus();
}

}  // namespace shard
