// Which fields of an object a flush writes, and what with.
#ifndef SHARD_SESSION_FLUSH_FIELDS_H_
#define SHARD_SESSION_FLUSH_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "shard/session/attribute.h"
#include "shard/session/entity_base.h"
#include "shard/session/identity_key.h"
#include "shard/session/mapping.h"
#include "shard/sql/dml.h"

namespace shard {

inline std::uint64_t FieldBit(std::size_t index) {
  return std::uint64_t{1} << index;
}
inline std::uint64_t AllFields(const Mapping& mapping) {
  return ~std::uint64_t{0} >> (kMostFields - mapping.fields().size());
}
inline bool HasField(std::uint64_t fields, std::size_t index) {
  return (fields >> index & 1) != 0;
}

// Whether its value can be read without asking the database.
inline bool HasValue(const AttributeBase& attribute) {
  return attribute.state() == AttributeState::kLoaded ||
         attribute.state() == AttributeState::kModified;
}

// The fields that an INSERT or UPDATE sends as values, and as SQL.
struct FieldSets {
  std::uint64_t values = 0;
  std::uint64_t expressions = 0;
};

// Whether an UPDATE brings back what the database made, too.
inline bool FetchesAlways(const Mapping& mapping) {
  return mapping.options().eager_defaults == EagerDefaultsMode::kOn;
}

// In all of these `attributes` are those of the object, as Mapping::Attributes
// gives them.

// What was assigned and not flushed.
FieldSets ChangedFields(const Mapping& mapping,
                        AttributeBase* const* attributes);
// Whether there are any in the object.
bool HasChanges(EntityBase& object);

// Whether the attributes say all of the primary key, and it, if they do.
bool HasKey(const Mapping& mapping, AttributeBase* const* attributes);
KeyValue KeyOf(const Mapping& mapping, AttributeBase* const* attributes);

// Makes attributes of a new object unset that are nullopt where that means the
// default. Returns which.
std::uint64_t LeaveNullsToDefaults(const Mapping& mapping,
                                   AttributeBase* const* attributes);

// Gives unset attributes of a new object what their client defaults make.
// kInvalidArgument, naming class and column, when that does not fit.
absl::Status ApplyClientDefaults(const Mapping& mapping, EntityBase& object,
                                 AttributeBase* const* attributes);

// For a row that changes otherwise: what nobody assigned gets what its OnUpdate
// makes. The same error.
absl::Status ApplyOnUpdate(const Mapping& mapping, EntityBase& object,
                           AttributeBase* const* attributes);

// What an UPDATE sets the version to where the database makes it; empty where
// triggers do.
sql::Expression ServerMadeVersion(const Mapping& mapping);

// "field = value" for the fields in `values` and those with SQL: a parameter of
// the field's name, or the object's expression.
std::vector<sql::ColumnAssignment> Assignments(const Mapping& mapping,
                                               const EntityBase& object,
                                               std::uint64_t values);

}  // namespace shard

#endif  // SHARD_SESSION_FLUSH_FIELDS_H_
