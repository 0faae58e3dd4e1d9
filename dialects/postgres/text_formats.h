// Values as the server writes them, where the wire has text or digits.
#ifndef SHARD_DIALECTS_POSTGRES_TEXT_FORMATS_H_
#define SHARD_DIALECTS_POSTGRES_TEXT_FORMATS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "shard/sql/byte_arena.h"

namespace shard::postgres {

// Days since 1970-01-01 of "2024-02-29" or "4713-01-01 BC". Nothing for
// "infinity" and other text.
std::optional<std::int64_t> ParseDate(std::string_view text);

// Microseconds since 1970 UTC of "2024-02-29 12:00:00.5+00" (without a zone
// UTC). Nothing for "infinity", other text, and what 64 bits cannot hold.
std::optional<std::int64_t> ParseTimestamp(std::string_view text);

// The text of a number in the server's binary form, made in `arena`. Nothing
// for bytes that are no number.
std::optional<std::string_view> NumericText(std::string_view binary,
                                            sql::ByteArena& arena);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_TEXT_FORMATS_H_
