#include "shard/session/shard_key_change.h"

#include "shard/base/status_macros.h"
#include "shard/session/flush_fields.h"
#include "shard/session/object_key_reader.h"

namespace shard {

std::uint64_t ShardKeyFieldsOf(const BindResolver& resolver,
                               const Mapping& mapping) {
  std::uint64_t fields = 0;
  for (const sql::Column* column : resolver.ShardKey(mapping.class_info())) {
    fields |= FieldBit(column->index());
  }
  return fields;
}

absl::StatusOr<Bind> PlaceByShardKey(BindResolver& resolver, EntityBase& object,
                                     AttributeBase* const* attributes) {
  const Mapping& mapping = object.mapping();
  for (const sql::Column* column : resolver.ShardKey(mapping.class_info())) {
    const auto field = static_cast<std::uint16_t>(column->index());
    if (attributes[field]->state() == AttributeState::kExpired) {
      SHARD_RETURN_IF_ERROR(
          InstanceAccess::State(object).host->LoadExpired(object, field));
    }
  }
  ObjectKeyReader reader(object, attributes);
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.object = &reader;
  request.operation = Operation::kFlush;
  return resolver.Resolve(request);
}

}  // namespace shard
