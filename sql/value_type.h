// The types a column, a parameter or a result cell can have.
#ifndef SHARD_SQL_VALUE_TYPE_H_
#define SHARD_SQL_VALUE_TYPE_H_

#include <cstdint>
#include <string_view>

namespace shard::sql {

// kNull is the type of NULL itself; a NULL cell of any column has it. As the
// type of an expression it means "not known": raw SQL text, for instance.
enum class ValueType : std::uint8_t {
  kNull,
  kBool,
  kInt32,
  kInt64,
  kDouble,
  kText,  // UTF-8
  kBytes,
  kTimestamp,  // microseconds, UTC
  kDate,
  kDecimal,  // exact, kept as text
  kUuid,
  kJson,  // kept as the text it was given as
};

// "int64", "text", ... for messages.
std::string_view ValueTypeName(ValueType type);

}  // namespace shard::sql

#endif  // SHARD_SQL_VALUE_TYPE_H_
