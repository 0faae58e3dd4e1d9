#include "shard/session/row_cells.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/sql/byte_arena.h"

namespace shard {

sql::SelectStatement SelectForUpdate(const sql::Table& table) {
  sql::SelectStatement select;
  select.From(table);
  for (const sql::Column& column : table.columns()) {
    select.Column(column.expression());
  }
  select.for_update = true;
  return select;
}

sql::Expression EqualsParameter(const sql::Column& column) {
  return sql::Binary(sql::BinaryOp::kEqual, column.expression(),
                     sql::Parameter(column.name(), column.type()));
}

std::string NameOfRowsIn(const sql::Table& table) {
  return table.mapped_class() != nullptr ? table.mapped_class()->name
                                         : absl::StrCat("'", table.name(), "'");
}

std::vector<sql::Value> OwnedCells(absl::Span<const sql::ValueView> cells) {
  std::vector<sql::Value> owned;
  owned.reserve(cells.size());
  for (const sql::ValueView& cell : cells) owned.emplace_back(cell);
  return owned;
}

void TakeChanges(EntityBase& object, std::vector<sql::Value>& cells) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  sql::ByteArena arena;
  const FieldSets sets = ChangedFields(mapping, attributes);
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (!HasField(sets.values, i)) continue;
    cells[i] = sql::Value(mapping.field(i).ops->view(*attributes[i], arena));
  }
  if (mapping.version() == VersionKind::kClient) {
    const std::size_t field = mapping.version_field();
    cells[field] = mapping.NextVersion(cells[field].view());
  }
}

}  // namespace shard
