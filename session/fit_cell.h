// Values on their way into fields whose types they may not quite have.
#ifndef SHARD_SESSION_FIT_CELL_H_
#define SHARD_SESSION_FIT_CELL_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// FitCell, for a value that is not of the field's type.
absl::Status ConvertCell(const Mapping& mapping, std::size_t field,
                         sql::ValueView* cell, sql::ByteArena& arena,
                         std::shared_ptr<EntityBase>* scratch);

// Makes it a value of the field's own type, and takes what an attribute would:
// integers of any width, text of a date, what a CustomType takes, and so on.
// Bytes that it makes are in `arena`. NULL is left alone but where the type
// stores a value of its own for it. An error, naming class and column, for what
// does not fit. `scratch`: an object whose attributes convert, made when needed
// and good for all fields of the class; each thread has its own.
inline absl::Status FitCell(const Mapping& mapping, std::size_t field,
                            sql::ValueView* cell, sql::ByteArena& arena,
                            std::shared_ptr<EntityBase>* scratch) {
  const std::uint64_t bit = std::uint64_t{1} << field;
  const bool fits = cell->is_null()
                        ? (mapping.stores_none() & bit) == 0
                        : cell->type() == mapping.field(field).column->type() &&
                              (mapping.custom_fields() & bit) == 0;
  return fits ? absl::OkStatus()
              : ConvertCell(mapping, field, cell, arena, scratch);
}

}  // namespace shard

#endif  // SHARD_SESSION_FIT_CELL_H_
