// Finding ":name" parameters in SQL text.
#ifndef SHARD_SQL_TEXT_PARAMETERS_H_
#define SHARD_SQL_TEXT_PARAMETERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shard::sql {

// A piece of SQL text: literal text, or the name of a parameter.
struct TextPiece {
  bool is_parameter = false;
  std::string text;
};

// Splits `sql` at its parameters. A ':' inside '...', "...", $tag$...$tag$,
// comments, "::" or before anything but a letter or '_' is literal; "\:" writes
// a ':' that is not a parameter. kInvalidArgument for a NUL byte, or a quote or
// comment that does not end.
absl::StatusOr<std::vector<TextPiece>> SplitParameters(std::string_view sql);

}  // namespace shard::sql

#endif  // SHARD_SQL_TEXT_PARAMETERS_H_
