// Values from the text that people and programs write into files.
#ifndef SHARD_SESSION_TEXT_VALUE_H_
#define SHARD_SESSION_TEXT_VALUE_H_

#include <string_view>

#include "absl/status/status.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// Makes a value of `type` of the text; its bytes, if it holds some, are a copy
// in `arena`. Blanks around a value that is neither text nor JSON do not count.
//
//   bool                  t, true, y, yes, on, 1 and their opposites, any case
//   int32, int64, double  12, -3, +4, 1.5e3, inf, nan
//   bytes                 \x and hexadecimal digits
//   timestamp, date,      what their Parse takes (sql/types.h)
//   decimal, uuid
//   text, json            as it is
//
// kInvalidArgument for other text, kOutOfRange for a number too large: the
// message says what was expected, and never the text.
absl::Status ParseValue(sql::ValueType type, std::string_view text,
                        sql::ByteArena& arena, sql::ValueView* value);

}  // namespace shard

#endif  // SHARD_SESSION_TEXT_VALUE_H_
