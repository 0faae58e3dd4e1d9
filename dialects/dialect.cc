#include "shard/dialects/dialect.h"

#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
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

absl::StatusOr<const Dialect*> Dialect::Named(const TableNaming& naming) const {
  if (naming.is_plain()) return &plain();
  SHARD_RETURN_IF_ERROR(CheckTableNaming(naming));
  if (!naming.schema.empty()) {
    SHARD_RETURN_IF_ERROR(QuoteIdentifier(naming.schema).status());
    if (has_schemas()) return Intern(naming);
    return absl::UnimplementedError(absl::StrCat(
        ToAbsl(name()), " has no schemas, and tables are to be in schema '",
        naming.schema, "'; tell them apart by a pattern for their names"));
  }
  return Intern(naming);
}

absl::StatusOr<const Dialect*> Dialect::Intern(
    const TableNaming& naming) const {
  const Dialect* const origin = &plain();
  // Statements remember by the address what they were compiled for, so what is
  // behind it must never be another one.
  using Id = std::pair<const Dialect*, TableNaming>;
  static absl::Mutex& mutex = *new absl::Mutex;
  static auto& known =
      *new absl::flat_hash_map<Id, std::unique_ptr<const Dialect>>;
  const absl::MutexLock lock(&mutex);
  std::unique_ptr<const Dialect>& named = known[Id(origin, naming)];
  if (named == nullptr) {
    std::unique_ptr<Dialect> made = Copy();
    const Dialect* const copy = made.get();
    if (copy == nullptr || typeid(*copy) != typeid(*this)) {
      return absl::UnimplementedError(
          absl::StrCat("dialect '", ToAbsl(name()),
                       "' cannot name tables otherwise than they are declared; "
                       "let it override Copy()"));
    }
    made->naming_ = naming;
    made->plain_ = origin;
    named = std::move(made);
  }
  return named.get();
}

absl::StatusOr<std::string> Dialect::CreateTable(
    const sql::Table& table) const {
  SHARD_ASSIGN_OR_RETURN(const std::string name, QuoteTable(table.name()));
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
  SHARD_ASSIGN_OR_RETURN(const std::string name, QuoteTable(table.name()));
  return absl::StrCat("DROP TABLE IF EXISTS ", name);
}

absl::StatusOr<std::string> Dialect::CreateSchema() const {
  if (naming_.schema.empty()) return "";
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         QuoteIdentifier(naming_.schema));
  return SchemaText(quoted);
}

std::string Dialect::SchemaText(const std::string& quoted) const {
  return absl::StrCat("CREATE SCHEMA IF NOT EXISTS ", quoted);
}

absl::StatusOr<std::string> Dialect::QuoteTable(std::string_view table) const {
  if (naming_.is_plain()) return QuoteIdentifier(table);
  return QuoteQualified(naming_.schema, naming_.NameOf(table));
}

absl::StatusOr<std::string> Dialect::QuoteQualified(
    std::string_view schema, std::string_view name) const {
  SHARD_ASSIGN_OR_RETURN(std::string quoted, QuoteIdentifier(name));
  if (schema.empty()) return quoted;
  SHARD_ASSIGN_OR_RETURN(const std::string in, QuoteIdentifier(schema));
  return absl::StrCat(in, ".", quoted);
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
