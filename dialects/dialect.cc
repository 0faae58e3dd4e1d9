#include "shard/dialects/dialect.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiler.h"

namespace shard {

absl::StatusOr<std::shared_ptr<const CompiledStatement>> Dialect::Compile(
    const sql::Statement& statement) const {
  if (auto known = statement.compile_cache().Find(this)) {
    return std::static_pointer_cast<const CompiledStatement>(std::move(known));
  }
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<const CompiledStatement> compiled,
                         Compiler(*this).Run(statement));
  statement.compile_cache().Store(this, compiled);
  return compiled;
}

absl::StatusOr<std::string> Dialect::CreateTable(
    const sql::Table& table) const {
  SHARD_ASSIGN_OR_RETURN(const std::string name, QuoteIdentifier(table.name()));
  std::string text = absl::StrCat("CREATE TABLE IF NOT EXISTS ", name, " (");
  std::string key;
  for (const sql::Column& column : table.columns()) {
    SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                           QuoteIdentifier(column.name()));
    absl::StrAppend(&text, column.index() > 0 ? ", " : "", quoted, " ",
                    ColumnType(column));
    if (!column.nullable()) text += " NOT NULL";
    if (!column.server_default().empty()) {
      absl::StrAppend(&text, " DEFAULT ", column.server_default());
    }
    if (column.primary_key()) {
      absl::StrAppend(&key, key.empty() ? "" : ", ", quoted);
    }
  }
  if (table.columns().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("table '", table.name(), "' has no columns; add some"));
  }
  if (!key.empty()) absl::StrAppend(&text, ", PRIMARY KEY (", key, ")");
  return text + ")";
}

absl::StatusOr<std::string> Dialect::DropTable(const sql::Table& table) const {
  SHARD_ASSIGN_OR_RETURN(const std::string name, QuoteIdentifier(table.name()));
  return absl::StrCat("DROP TABLE IF EXISTS ", name);
}

absl::StatusOr<std::string> Dialect::QuoteIdentifier(
    std::string_view identifier) const {
  if (identifier.empty()) {
    return absl::InvalidArgumentError(
        "a table, column or savepoint has an empty name; give it one");
  }
  if (identifier.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name '", absl::string_view(identifier.data()),
                     "...' has a NUL byte; remove it"));
  }
  if (identifier.size() > max_identifier_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the name '", ToAbsl(identifier.substr(0, 63)), "...' has ",
        identifier.size(), " bytes, and ", ToAbsl(name()), " keeps only ",
        max_identifier_bytes(), "; shorten it"));
  }
  std::string quoted = "\"";
  for (const char c : identifier) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace shard
