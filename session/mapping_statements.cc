#include "shard/session/mapping_statements.h"

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/statement.h"

namespace shard {
namespace {

bool HasBit(std::uint64_t bits, std::size_t bit) {
  return (bits >> bit & 1) != 0;
}

sql::Expression FieldParameter(const sql::Column& column) {
  return sql::Parameter(column.name(), column.type());
}

}  // namespace

sql::SelectStatement SelectAllFields(const Mapping& mapping) {
  sql::SelectStatement select;
  select.From(mapping.table());
  for (const MappedField& field : mapping.fields()) {
    select.Column(field.column->expression());
  }
  return select;
}

sql::Expression KeyCondition(const Mapping& mapping) {
  sql::Expression condition;
  for (const std::uint16_t index : mapping.key_fields()) {
    const sql::Column& column = *mapping.field(index).column;
    condition =
        And(condition, sql::Binary(sql::BinaryOp::kEqual, column.expression(),
                                   FieldParameter(column)));
  }
  return condition;
}

sql::Expression RowCondition(const Mapping& mapping) {
  sql::Expression condition = KeyCondition(mapping);
  if (mapping.version() == VersionKind::kNone) return condition;
  const sql::Column& column = *mapping.field(mapping.version_field()).column;
  return And(condition, sql::Binary(sql::BinaryOp::kEqual, column.expression(),
                                    FieldParameter(column)));
}

template <class Build>
absl::StatusOr<const CompiledStatement*> MappingStatements::Find(
    const Id& id, Build&& build) {
  if (latest_ != nullptr && id == latest_id_) return latest_;
  auto found = compiled_.find(id);
  if (found == compiled_.end()) {
    SHARD_ASSIGN_OR_RETURN(Compiled compiled, id.dialect->Compile(build()));
    found = compiled_.emplace(id, std::move(compiled)).first;
  }
  latest_id_ = id;
  latest_ = found->second.get();
  return latest_;
}

absl::StatusOr<const CompiledStatement*> MappingStatements::SelectByKey(
    const Mapping& mapping, const Dialect& dialect) {
  return Find({&mapping, &dialect, Kind::kSelect, 0, 0}, [&mapping] {
    return sql::Statement(SelectAllFields(mapping).Where(KeyCondition(mapping)),
                          &mapping.class_info());
  });
}

absl::StatusOr<const CompiledStatement*> MappingStatements::UpdateRow(
    const Mapping& mapping, const Dialect& dialect, std::uint64_t fields,
    std::uint64_t returned) {
  return Find({&mapping, &dialect, Kind::kUpdate, fields, returned}, [&] {
    sql::UpdateStatement update(mapping.table());
    for (const MappedField& field : mapping.fields()) {
      if (HasBit(fields, field.column->index())) {
        update.Set({field.column, FieldParameter(*field.column)});
      }
    }
    AddReturning(mapping, returned, update);
    return sql::Statement(update.Where(RowCondition(mapping)));
  });
}

absl::StatusOr<const CompiledStatement*> MappingStatements::DeleteRow(
    const Mapping& mapping, const Dialect& dialect) {
  return Find({&mapping, &dialect, Kind::kDelete, 0, 0}, [&mapping] {
    return sql::Statement(
        sql::DeleteStatement(mapping.table()).Where(RowCondition(mapping)));
  });
}

absl::StatusOr<const CompiledStatement*> MappingStatements::InsertReturning(
    const Mapping& mapping, const Dialect& dialect, std::uint64_t fields,
    std::uint64_t returned) {
  return Find({&mapping, &dialect, Kind::kInsert, fields, returned}, [&] {
    std::vector<sql::ColumnAssignment> row;
    for (const MappedField& field : mapping.fields()) {
      if (HasBit(fields, field.column->index())) {
        row.push_back({field.column, FieldParameter(*field.column)});
      }
    }
    sql::InsertStatement insert(mapping.table());
    insert.Values(std::move(row));
    AddReturning(mapping, returned & mapping.key_set(), insert);
    AddReturning(mapping, returned & ~mapping.key_set(), insert);
    return sql::Statement(std::move(insert));
  });
}

}  // namespace shard
