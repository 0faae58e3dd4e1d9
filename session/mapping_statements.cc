#include "shard/session/mapping_statements.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
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

sql::SelectStatement SelectFields(const Mapping& mapping) {
  sql::SelectStatement select;
  select.From(mapping.table());
  for (const std::uint16_t field : mapping.layout().fields) {
    select.Column(mapping.field(field).column->expression());
  }
  return select;
}

sql::SelectStatement SelectAllFields(const Mapping& mapping) {
  sql::SelectStatement select;
  select.From(mapping.table());
  for (const MappedField& field : mapping.fields()) {
    select.Column(field.column->expression());
  }
  return select;
}

absl::StatusOr<RowLayout> LayoutOf(const Mapping& mapping,
                                   const sql::SelectStatement& select) {
  // The usual: what Select<E>() begins with, and no more.
  if (select.columns.size() == mapping.layout().fields.size()) {
    return mapping.layout();
  }
  std::vector<std::uint16_t> fields;
  for (const sql::SelectItem& item : select.columns) {
    const auto* node = item.expression.As<sql::ColumnNode>();
    if (node == nullptr || &node->column->table() != &mapping.table()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a SELECT of objects of class ", mapping.class_info().name,
          " can name columns of that class only; see Undefer"));
    }
    fields.push_back(static_cast<std::uint16_t>(node->column->index()));
  }
  return mapping.LayoutOf(std::move(fields));
}

sql::Expression ByKey(const Mapping& mapping) {
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
  sql::Expression condition = ByKey(mapping);
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
    return sql::Statement(SelectFields(mapping).Where(ByKey(mapping)),
                          &mapping.class_info());
  });
}

absl::StatusOr<const CompiledStatement*> MappingStatements::SelectFieldsByKey(
    const Mapping& mapping, const Dialect& dialect, std::uint64_t fields) {
  return Find({&mapping, &dialect, Kind::kSelectFields, fields, 0}, [&] {
    sql::SelectStatement select;
    select.From(mapping.table());
    for (const MappedField& field : mapping.fields()) {
      if (HasBit(fields, field.column->index())) {
        select.Column(field.column->expression());
      }
    }
    return sql::Statement(std::move(select.Where(ByKey(mapping))),
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
