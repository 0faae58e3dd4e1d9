// Values on their way into fields whose types they may not quite have.
#ifndef SHARD_SESSION_CELL_FITTER_H_
#define SHARD_SESSION_CELL_FITTER_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Takes what an attribute would: integers of any width, text of a date, and so
// on. Not thread-safe.
class CellFitter {
 public:
  explicit CellFitter(const Mapping* mapping) : mapping_(*mapping) {}

  // Makes it a value of the field's own type; bytes that it makes are in
  // `arena`. NULL is left alone. An error, naming class and column, for what
  // does not fit.
  absl::Status Fit(std::size_t field, sql::ValueView* cell,
                   sql::ByteArena& arena) {
    if (cell->type() == mapping_.field(field).column->type() ||
        cell->is_null()) {
      return absl::OkStatus();
    }
    return Convert(field, cell, arena);
  }

 private:
  absl::Status Convert(std::size_t field, sql::ValueView* cell,
                       sql::ByteArena& arena);

  const Mapping& mapping_;
  std::shared_ptr<EntityBase> scratch_;  // whose attributes convert
};

}  // namespace shard

#endif  // SHARD_SESSION_CELL_FITTER_H_
