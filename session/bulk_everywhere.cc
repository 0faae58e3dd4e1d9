// Bulk operations on rows that stand on all shards.
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/bulk_writer.h"
#include "shard/session/flush_fields.h"

namespace shard {
namespace {

absl::Status EachItsOwn(const Mapping& mapping, std::uint64_t fields) {
  std::size_t field = 0;
  while (!HasField(fields, field)) ++field;
  return ColumnError(
      mapping, field,
      "is made by the database, each shard its own, and the rows are to be the "
      "same on all; give it a value, or Add objects and flush them");
}

}  // namespace

absl::Status BulkWriter::FindEverywhere(const BulkPart& part) {
  everywhere_.clear();
  if (where_.place.has_value() || where_.shard.has_value() ||
      !where_.shards.empty() || !resolver_.WritesEverywhere(request_)) {
    return absl::OkStatus();
  }
  SHARD_ASSIGN_OR_RETURN(everywhere_, resolver_.ResolveAll(request_));
  const Mapping& mapping = part.mapping();
  if (mapping.version() == VersionKind::kServer &&
      part.kind() != BulkKind::kDelete) {
    return EachItsOwn(mapping, mapping.version_set());
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::CheckSameEverywhere(const BulkPart& part,
                                             const BulkShape& shape) {
  const Mapping& mapping = part.mapping();
  std::uint64_t made = shape.expressions;
  if (part.kind() == BulkKind::kUpsert) {
    made |= mapping.onupdates() & ~shape.updated;
  }
  if (part.kind() == BulkKind::kUpsert) {
    made |= mapping.onupdates() & ~shape.updated;
  }
  if (part.kind() == BulkKind::kInsert || part.kind() == BulkKind::kUpsert) {
    made |= mapping.server_defaults() & ~shape.values;
    if (shape.key != BulkKeySource::kGiven) {
      made |= mapping.key_set() & ~shape.values;
    }
  }
  return made == 0 ? absl::OkStatus() : EachItsOwn(mapping, made);
}

absl::Status BulkWriter::AddToOthers(const BulkPart& part,
                                     const BulkShape& shape, std::size_t index,
                                     BulkStep* first) {
  if (everywhere_.empty()) return absl::OkStatus();
  first->set_role(BulkStep::Role::kFirst);
  for (std::size_t i = 1; i < everywhere_.size(); ++i) {
    SHARD_ASSIGN_OR_RETURN(Share * share,
                           transaction_.PlanShare(everywhere_[i]));
    SHARD_ASSIGN_OR_RETURN(BulkStep * other, StepFor(part, *share, shape));
    other->set_role(BulkStep::Role::kOther);
    other->Add(index);
  }
  return absl::OkStatus();
}

}  // namespace shard
