#include "shard/session/bulk_insert_step.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"

namespace shard {
namespace {

// A new object's row is there: it is as if its session had let go of it.
void BecomeDetached(EntityBase& object, KeyValue key, const Bind& place,
                    std::uint64_t sent) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  const auto parts = key.Views();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::uint16_t field = mapping.key_fields()[i];
    // The database made it for a column of this type.
    mapping.field(field)
        .ops->read(*attributes[field], parts[i], AttributeState::kLoaded)
        .IgnoreError();
  }
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    AttributeBase& attribute = *attributes[i];
    const bool known = attribute.state() == AttributeState::kModified &&
                       HasField(sent, i) && !HasField(mapping.version_set(), i);
    if (known) {
      AttributeAccess::SetState(attribute, AttributeState::kLoaded);
    } else if (!HasField(mapping.key_set(), i)) {
      AttributeAccess::SetState(attribute, AttributeState::kExpired);
    }
  }
  InstanceState& state = InstanceAccess::State(object);
  state.key = std::move(key);
  state.shard = place.shard;
  state.engine = place.engine;
  state.has_values = true;
  state.object_state = ObjectState::kDetached;
}

}  // namespace

void TakeInserted(const BulkPart& part, std::size_t index, KeyValue key,
                  const Bind& place, std::uint64_t sent,
                  std::vector<KeyValue>* keys) {
  EntityBase* const object = part.rows().object(index);
  if (object != nullptr && object->object_state() == ObjectState::kTransient) {
    BecomeDetached(*object, key, place, sent);
  }
  (*keys)[part.rows().position(index)] = std::move(key);
}

BulkInsertStep::BulkInsertStep(const BulkPart* part, const BulkShape& shape)
    : BulkStep(part, shape),
      numbered_(part->options().return_defaults &&
                shape.key == BulkKeySource::kNumbered) {
  for (std::uint64_t left = shape.values; left != 0; left &= left - 1) {
    columns_.push_back(
        mapping()
            .field(static_cast<std::size_t>(std::countr_zero(left)))
            .column);
  }
}

bool BulkInsertStep::NotesKeys() const {
  return part().options().return_defaults && !numbered_;
}

void BulkInsertStep::Append(const BulkRow& row) {
  for (const sql::Column* column : columns_) {
    values_.push_back(row.cells[column->index()]);
  }
}

absl::Status BulkInsertStep::Send(Share& share) {
  InsertRequest request;
  request.table = &mapping().table();
  request.columns = columns_;
  request.rows = chunk();
  request.values = values_;
  if (numbered_) request.generated_key = mapping().table().generated_key();
  request.returning = mapping().options().returning;
  return share.StartInsert(request);
}

absl::Status BulkInsertStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(outcome_, share.FinishInsert());
  std::size_t arrived = chunk();
  if (mapping().options().returning) {
    arrived = static_cast<std::size_t>(outcome_.total_affected());
  }
  if (numbered_ && arrived == chunk()) arrived = outcome_.keys.size();
  return CheckArrived(arrived, share);
}

absl::Status BulkInsertStep::Apply(const Share& share,
                                   std::vector<KeyValue>* keys) {
  if (!part().options().return_defaults) return absl::OkStatus();
  for (std::size_t i = 0; i < chunk(); ++i) {
    KeyValue key = numbered_ ? KeyValue(outcome_.keys[i]) : std::move(keys_[i]);
    SHARD_RETURN_IF_ERROR(ApplyToObject(
        [this, keys, index = index_of(i), key = std::move(key),
         place = Bind{share.bind().engine, ShardInIdentity(share)}]() mutable {
          TakeInserted(part(), index, std::move(key), place, shape().values,
                       keys);
          return absl::OkStatus();
        }));
  }
  return absl::OkStatus();
}

}  // namespace shard
