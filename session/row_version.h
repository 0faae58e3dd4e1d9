// Versions of rows: an UPDATE or DELETE that meets another version than the
// object was loaded with is refused, so that no change is lost.
//
//   Field<F, std::int32_t, "version", Version> version;
//   Field<F, Timestamp, "changed", VersionBy<&Timestamp::Now>> changed;
//   Field<F, std::int64_t, "version", ServerVersion, ServerDefault<"1">,
//         OnUpdate<&OneMore>> version;
//
// The flush then adds "AND version = <the one loaded>" to the condition. Where
// that meets no row it fails with kAborted and names class, key, the version
// expected and the one that the row has now; roll back and try again. An object
// whose version is expired is loaded first: the flush knows no older one.
// kInvalidArgument: an optional type, a Version that is no integer, a second
// version, a version in the primary key (all from Mapping::status()), and the
// version of a stored object that was assigned (from the flush). Update<E>()
// and Delete<E>() statements leave versions alone.
#ifndef SHARD_SESSION_ROW_VERSION_H_
#define SHARD_SESSION_ROW_VERSION_H_

#include <cstdint>
#include <optional>
#include <type_traits>

#include "shard/session/field_traits.h"
#include "shard/sql/column.h"
#include "shard/sql/expression.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/value.h"

namespace shard {

namespace internal {
inline sql::Value NextNumber(const sql::ValueView& old) {
  return old.integer() + 1;
}
inline sql::Expression FirstNumber() {
  return sql::Literal(sql::Value(std::int64_t{1}));
}

template <auto Generator>
concept MakesVersionFromNothing = std::is_invocable_v<decltype(Generator)>;

template <auto Generator>
sql::Value NextVersion(const sql::ValueView& old) {
  if constexpr (MakesVersionFromNothing<Generator>) {
    return sql::ToValue(Generator());
  } else {
    using T = std::remove_cvref_t<decltype(Generator(std::nullopt))>;
    std::optional<T> before;
    if (!old.is_null() &&
        !sql::TypeAdapter<T>::Read(old, &before.emplace()).ok()) {
      before.reset();
    }
    return sql::ToValue(Generator(before));
  }
}
template <auto Generator>
sql::Expression FirstVersion() {
  return sql::Literal(NextVersion<Generator>(sql::ValueView()));
}
}  // namespace internal

// A number: 1, then one more with each UPDATE.
struct Version {
  static void Apply(sql::ColumnSpec& spec) {
    spec.client_default = &internal::FirstNumber;
  }
  static constexpr void Apply(FieldTraits& traits) {
    traits.version = VersionKind::kClient;
    traits.counts = true;
    traits.next_version = &internal::NextNumber;
  }
};

// What a function of yours makes: `T Make()`, or
// `T Make(const std::optional<T>& old)`, which is given nullopt for a new row.
// No two versions of a row should be equal.
template <auto Generator>
struct VersionBy {
  static void Apply(sql::ColumnSpec& spec) {
    spec.client_default = &internal::FirstVersion<Generator>;
  }
  static constexpr void Apply(FieldTraits& traits) {
    traits.version = VersionKind::kClient;
    traits.next_version = &internal::NextVersion<Generator>;
  }
};

// The database makes it: by a server default and OnUpdate SQL, or by triggers.
// RETURNING fetches it; under NoReturning a SELECT after the flush does, which
// AFTER triggers of SQLite need.
struct ServerVersion {
  static constexpr void Apply(FieldTraits& traits) {
    traits.version = VersionKind::kServer;
  }
};

}  // namespace shard

#endif  // SHARD_SESSION_ROW_VERSION_H_
