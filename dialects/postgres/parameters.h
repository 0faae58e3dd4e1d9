// Values on their way to the server.
#ifndef SHARD_DIALECTS_POSTGRES_PARAMETERS_H_
#define SHARD_DIALECTS_POSTGRES_PARAMETERS_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/postgres/pg_types.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard::postgres {

// Whether the server can hold `value`: NUL bytes and what is not UTF-8 in text,
// times out of its range. The message does not say which value it is about.
absl::Status CheckValue(const sql::ValueView& value);

// The type that `value` is sent as, for a placeholder known to be `declared`.
// Text and JSON go untyped, so that they fit columns of any type that is
// written as text.
TypeOid ParameterType(const sql::ValueView& value, sql::ValueType declared);

// The parameters of one run in libpq's form. Refilled without allocating.
class ParameterBuffer {
 public:
  void Clear();
  // `type` as ParameterType gave it for a value of this type, or for another
  // run's where this one is NULL; or a wider one of a number. The value has
  // been checked.
  void Add(const sql::ValueView& value, TypeOid type);

  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }
  std::size_t bytes() const { return bytes_; }

  // A value that is in wire form already and outlives the buffer's use.
  void AddBinary(std::string_view wire) {
    Append(wire.data(), wire.size(), /*format=*/1);
  }

 private:
  void Append(const char* data, std::size_t size, int format);
  template <class T>
  void AppendNumber(T value);

  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;  // 0 text, 1 binary
  std::size_t bytes_ = 0;
  sql::ByteArena arena_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_PARAMETERS_H_
