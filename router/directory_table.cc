#include "shard/router/directory_table.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/schema.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using sql::ValueType;

const sql::Column& KeyOf(const sql::Table& table) { return table.columns()[0]; }
const sql::Column& ShardOf(const sql::Table& table) {
  return table.columns()[1];
}

sql::Expression KeyParameter() {
  return sql::Parameter("key", ValueType::kBytes);
}

sql::SelectStatement ReadOf(const sql::Table& table) {
  sql::SelectStatement select;
  select.From(table)
      .Column(KeyOf(table).expression())
      .Column(ShardOf(table).expression())
      .Where(sql::Binary(sql::BinaryOp::kEqual, KeyOf(table).expression(),
                         KeyParameter()));
  return select;
}

sql::InsertStatement InsertOf(const sql::Table& table) {
  sql::InsertStatement insert(table);
  insert.Values({{&KeyOf(table), KeyParameter()},
                 {&ShardOf(table), sql::Parameter("shard", ValueType::kText)}});
  return insert;
}

sql::InsertStatement AssignOf(const sql::Table& table) {
  return InsertOf(table).OnConflictDoNothing({&KeyOf(table)});
}

sql::InsertStatement WriteOf(const sql::Table& table) {
  return InsertOf(table).OnConflictUpdate(
      {&KeyOf(table)}, {{&ShardOf(table), sql::Excluded(ShardOf(table))}});
}

}  // namespace

DirectoryTable::DirectoryTable(std::shared_ptr<Engine> engine,
                               const std::string& name)
    : engine_(std::move(engine)),
      table_(name,
             {{.name = "key", .type = ValueType::kBytes, .primary_key = true},
              {.name = "shard", .type = ValueType::kText, .nullable = false}}),
      read_(ReadOf(table_)),
      assign_(AssignOf(table_)),
      write_(WriteOf(table_)) {}

std::string DirectoryTable::Name() const {
  return absl::StrCat("shard directory '", table_.name(), "' on '",
                      engine_->name(), "'");
}

absl::Status DirectoryTable::Create() {
  const absl::Status made = CreateAll(*engine_, {&table_});
  // Another process has made it in the very moment.
  return absl::IsAlreadyExists(made) ? CreateAll(*engine_, {&table_}) : made;
}

absl::StatusOr<DirectoryTable::Shards> DirectoryTable::Read(
    absl::Span<const std::string> keys) {
  absl::StatusOr<Shards> shards = ReadRows(keys);
  if (!shards.ok()) return Annotate(shards.status(), Name());
  return shards;
}

absl::StatusOr<DirectoryTable::Shards> DirectoryTable::ReadRows(
    absl::Span<const std::string> keys) {
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         engine_->dialect().Compile(read_));
  std::vector<sql::ValueView> parameters;
  for (const std::string& key : keys) {
    parameters.push_back(sql::ValueView::Bytes(ValueType::kBytes, key));
  }
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine_->Connect());
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(
      connection
          ->Execute({compiled.get(), parameters, keys.size(), true}, &rows)
          .status());
  Shards shards;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    shards.emplace(rows.row(i)[0].bytes(), rows.row(i)[1].bytes());
  }
  return shards;
}

absl::StatusOr<std::int64_t> DirectoryTable::Run(
    const sql::Statement& statement, const std::string& key,
    const std::string& shard) {
  SHARD_RETURN_IF_ERROR(engine_->CheckMayWrite());
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         engine_->dialect().Compile(statement));
  const sql::Parameters values{{"key", sql::Value(Bytes{key})},
                               {"shard", sql::Value(shard)}};
  std::vector<sql::ValueView> parameters;
  SHARD_RETURN_IF_ERROR(BindParameters(*compiled, values, &parameters));
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine_->Connect());
  // In a transaction, since that is what passes the fence of a file.
  SHARD_RETURN_IF_ERROR(connection->Begin());
  SHARD_ASSIGN_OR_RETURN(
      const Outcome outcome,
      connection->Execute({compiled.get(), parameters, 1}, nullptr));
  SHARD_RETURN_IF_ERROR(connection->Commit());
  return outcome.total_affected();
}

absl::StatusOr<std::string> DirectoryTable::Assign(const std::string& key,
                                                   const std::string& shard) {
  const absl::StatusOr<std::int64_t> written = Run(assign_, key, shard);
  if (!written.ok()) return Annotate(written.status(), Name());
  if (*written == 1) return shard;
  // Read in a transaction of its own, which sees what the winner committed.
  SHARD_ASSIGN_OR_RETURN(const Shards shards, Read({key}));
  if (const auto found = shards.find(key); found != shards.end()) {
    return found->second;
  }
  return absl::AbortedError(absl::StrCat(
      Name(), ": an entry was removed while it was asked for; try again"));
}

absl::Status DirectoryTable::Write(const std::string& key,
                                   const std::string& shard) {
  return Annotate(Run(write_, key, shard).status(), Name());
}

}  // namespace shard
