// SessionCore's reading of objects again.
#include <bit>
#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/forget_place.h"
#include "shard/session/session_core.h"

namespace shard {
namespace {

std::uint64_t ExpiredFields(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  std::uint64_t fields = 0;
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (attributes[i]->state() == AttributeState::kExpired) {
      fields |= std::uint64_t{1} << i;
    }
  }
  return fields;
}

std::uint64_t KeyFields(const Mapping& mapping) {
  std::uint64_t fields = 0;
  for (const std::uint16_t field : mapping.key_fields()) {
    fields |= std::uint64_t{1} << field;
  }
  return fields;
}

// What is read with an object and tells more than its key.
std::uint64_t PlainFields(const Mapping& mapping) {
  const std::size_t count = mapping.fields().size();
  const std::uint64_t all = ~std::uint64_t{0} >> (kMostFields - count);
  return all & ~mapping.deferred_fields() & ~KeyFields(mapping);
}

}  // namespace

absl::Status SessionCore::Refresh(EntityBase& object) {
  SHARD_RETURN_IF_ERROR(Expire(object));
  return LoadFields(object, PlainFields(object.mapping()));
}

absl::Status SessionCore::RefreshFields(EntityBase& object,
                                        std::uint64_t fields) {
  SHARD_RETURN_IF_ERROR(ExpireFields(object, fields));
  fields &= ~KeyFields(object.mapping());
  return fields == 0 ? absl::OkStatus() : LoadFields(object, fields);
}

absl::Status SessionCore::LoadExpired(EntityBase& object, std::uint16_t field) {
  const std::uint64_t asked = std::uint64_t{1} << field;
  return (asked & object.mapping().deferred_fields()) != 0
             ? LoadFields(object, asked)
             : LoadMade(object, 0);
}

absl::Status SessionCore::LoadMade(EntityBase& object, std::uint64_t fields) {
  fields |= ExpiredFields(object) & ~object.mapping().deferred_fields();
  return fields == 0 ? absl::OkStatus() : LoadFields(object, fields);
}

absl::Status SessionCore::LoadFields(EntityBase& object, std::uint64_t fields) {
  const Mapping& mapping = object.mapping();
  InstanceState& state = InstanceAccess::State(object);
  if (state.object_state != ObjectState::kPersistent) {
    return absl::FailedPreconditionError(
        absl::StrCat("an object of class ", mapping.class_info().name,
                     " has no row any more; it was deleted"));
  }
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.operation = Operation::kRefresh;
  request.history = &transaction_;
  request.origin = state.engine;
  if (!state.shard.is_none()) request.shard = state.shard;
  SHARD_ASSIGN_OR_RETURN(Share * share, ShareFor(request));
  // All of it is one statement with Get; it costs no more to read the key too.
  const std::uint64_t plain = PlainFields(mapping);
  const bool whole = (fields & ~KeyFields(mapping)) == plain;
  SHARD_ASSIGN_OR_RETURN(
      const CompiledStatement* statement,
      whole ? statements_.SelectByKey(mapping, share->dialect())
            : statements_.SelectFieldsByKey(mapping, share->dialect(), fields));
  const auto key = state.key.Views();
  RowBatch rows;  // an attribute may be read while scratch_ is in use
  SHARD_RETURN_IF_ERROR(share->Execute({statement, key, 1}, &rows).status());
  if (rows.rows() == 0) {
    ForgetPlace(*options_.resolver, object);
    return absl::NotFoundError(absl::StrCat(
        mapping.class_info().name, " ", state.key.DebugString(),
        " has no row any more in '", share->name(), "'; it was deleted"));
  }
  if (whole) {
    SHARD_RETURN_IF_ERROR(
        loader_.FillExpired(object, mapping.layout().fields, rows.row(0)));
  } else {
    absl::InlinedVector<std::uint16_t, 8> cells;
    for (std::uint64_t left = fields; left != 0; left &= left - 1) {
      cells.push_back(static_cast<std::uint16_t>(std::countr_zero(left)));
    }
    SHARD_RETURN_IF_ERROR(loader_.FillExpired(object, cells, rows.row(0)));
  }
  if (state.expired && (ExpiredFields(object) & plain) == 0) {
    state.expired = false;
  }
  return absl::OkStatus();
}

}  // namespace shard
