// Where SessionCore asks generators for keys; rows of bulk inserts get theirs
// in session_bulk.cc.
#include <cstdint>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/session/flush_fields.h"
#include "shard/session/key_assigner.h"
#include "shard/session/session_core.h"

namespace shard {

// What a listener, or the caller, has not given one.
absl::Status SessionCore::GiveKeys() {
  KeyAssigner assigner(options_.keys);
  for (const auto& object : work_.added) {
    SHARD_RETURN_IF_ERROR(assigner.Add(*object));
  }
  return assigner.Assign();
}

std::uint64_t SessionCore::LeftOut(BulkKind kind, const Mapping& mapping,
                                   const BulkOptions& options) const {
  const bool puts_in = kind == BulkKind::kInsert || kind == BulkKind::kUpsert;
  if (!puts_in || !options.number_keys) return 0;
  std::uint64_t left_out =
      mapping.table().generated_key() != nullptr ? mapping.key_set() : 0;
  if (kind == BulkKind::kInsert) {
    for (const GeneratedKey& key : options_.keys) {
      if (key.column != nullptr && &key.column->table() == &mapping.table()) {
        left_out |= FieldBit(key.column->index());
      }
    }
  }
  return left_out;
}

}  // namespace shard
