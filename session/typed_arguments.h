// Keys and columns as callers give them, for a core that knows no types.
#ifndef SHARD_SESSION_TYPED_ARGUMENTS_H_
#define SHARD_SESSION_TYPED_ARGUMENTS_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/session/bind_arguments.h"
#include "shard/session/identity_key.h"
#include "shard/session/mapping.h"
#include "shard/sql/column.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/value.h"

namespace shard::internal {

// A set of fields, field i in bit i. kInvalidArgument: a column is another's.
absl::StatusOr<std::uint64_t> FieldsOf(
    const Mapping& mapping, std::initializer_list<const sql::Column*> columns);

// kInvalidArgument when the values are no primary key of the class.
absl::StatusOr<KeyValue> MakeKey(const Mapping& mapping,
                                 absl::Span<const sql::Value> values);

template <class T>
sql::Value KeyPart(const T& part) {
  if constexpr (requires { sql::TypeAdapter<T>::kType; }) {
    return sql::ToValue(part);
  } else {
    return sql::Value(part);
  }
}

// For the arguments of Get, one by one: parts of the key, and BindArguments.
inline void TakeBind(const BindArguments& bind, const BindArguments** out) {
  *out = &bind;
}
template <class T>
void TakeBind(const T&, const BindArguments**) {}
template <class T>
void TakePart(const T& part, std::vector<sql::Value>* out) {
  if constexpr (!std::same_as<T, BindArguments>) out->push_back(KeyPart(part));
}

}  // namespace shard::internal

#endif  // SHARD_SESSION_TYPED_ARGUMENTS_H_
