// What the session knows of a field besides its column.
#ifndef SHARD_SESSION_FIELD_TRAITS_H_
#define SHARD_SESSION_FIELD_TRAITS_H_

#include <cstdint>

#include "shard/sql/value.h"

namespace shard {

// Who makes the version of a row: see row_version.h.
enum class VersionKind : std::uint8_t { kNone, kClient, kServer };

// What the options of a field come to. An option writes here in
// `static constexpr void Apply(FieldTraits&)`, and to the column's spec in
// `static void Apply(sql::ColumnSpec&)`; either or both.
struct FieldTraits {
  bool evaluates_none = false;
  bool custom_type = false;  // a CustomType, which may refuse a stored value
  bool deferred = false;
  VersionKind version = VersionKind::kNone;
  bool counts = false;  // the version is a number, one more each time
  // For kClient: the version behind another.
  sql::Value (*next_version)(const sql::ValueView& old) = nullptr;
};

}  // namespace shard

#endif  // SHARD_SESSION_FIELD_TRAITS_H_
