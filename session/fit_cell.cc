#include "shard/session/fit_cell.h"

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/session/attribute.h"
#include "shard/session/object_loader.h"

namespace shard {

absl::Status ConvertCell(const Mapping& mapping, std::size_t field,
                         sql::ValueView* cell, sql::ByteArena& arena,
                         std::shared_ptr<EntityBase>* scratch) {
  const sql::ValueType type = mapping.field(field).column->type();
  // Literals have the narrowest type that holds them: no need to ask.
  if (type == sql::ValueType::kInt64 &&
      cell->type() == sql::ValueType::kInt32) {
    *cell = sql::ValueView::Int64(cell->integer());
    return absl::OkStatus();
  }
  if (!mapping.has_class()) {
    return absl::InvalidArgumentError(absl::StrCat(
        mapping.class_info().name, ".", mapping.field(field).column->name(),
        ": the value is of type ", ToAbsl(sql::ValueTypeName(cell->type())),
        ", and the column of type ", ToAbsl(sql::ValueTypeName(type)),
        "; without a class nothing converts it"));
  }
  if (*scratch == nullptr) *scratch = mapping.Make();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(**scratch, attributes);
  const AttributeOps& ops = *mapping.field(field).ops;
  const absl::Status read =
      ops.read(*attributes[field], *cell, AttributeState::kLoaded);
  if (!read.ok()) return CellError(mapping, field, *cell, read);
  *cell = ops.view(*attributes[field], arena);
  if (cell->holds_bytes()) {
    *cell = sql::ValueView::Bytes(cell->type(), arena.Copy(cell->bytes()));
  }
  return absl::OkStatus();
}

}  // namespace shard
