#include "shard/dialects/schema.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

absl::Status RunInTransaction(Connection& connection,
                              const std::vector<std::string>& statements) {
  SHARD_RETURN_IF_ERROR(connection.Begin());
  for (const std::string& statement : statements) {
    // An error leaves the transaction open; the pool rolls it back.
    SHARD_RETURN_IF_ERROR(connection.ExecuteScript(statement));
  }
  return connection.Commit();
}

absl::Status RunInTransaction(Engine& engine,
                              const std::vector<std::string>& statements) {
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine.Connect());
  return Annotate(RunInTransaction(*connection, statements),
                  absl::StrCat("'", engine.name(), "'"));
}

}  // namespace

absl::Status CreateAll(Engine& engine, const sql::MetaData& metadata,
                       const TableNaming& naming) {
  SHARD_ASSIGN_OR_RETURN(const Dialect* const dialect,
                         engine.dialect().Named(naming));
  std::vector<std::string> statements;
  if (!naming.schema.empty()) {
    SHARD_ASSIGN_OR_RETURN(std::string schema, dialect->CreateSchema());
    statements.push_back(std::move(schema));
  }
  for (const sql::Table* table : metadata.tables()) {
    SHARD_ASSIGN_OR_RETURN(std::string statement, dialect->CreateTable(*table));
    statements.push_back(std::move(statement));
  }
  return RunInTransaction(engine, statements);
}

absl::Status DropAll(Engine& engine, const sql::MetaData& metadata,
                     const TableNaming& naming) {
  SHARD_ASSIGN_OR_RETURN(const Dialect* const dialect,
                         engine.dialect().Named(naming));
  std::vector<std::string> statements;
  const auto& tables = metadata.tables();
  for (auto table = tables.rbegin(); table != tables.rend(); ++table) {
    SHARD_ASSIGN_OR_RETURN(std::string statement, dialect->DropTable(**table));
    statements.push_back(std::move(statement));
  }
  return RunInTransaction(engine, statements);
}

}  // namespace shard
