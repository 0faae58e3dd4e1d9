// What does the work of a transaction's followers again.
#ifndef SHARD_SESSION_TWO_PHASE_REDO_LIST_H_
#define SHARD_SESSION_TWO_PHASE_REDO_LIST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shard {

// One follower's part; what is in it only its dialect knows.
struct RedoEntry {
  std::string identity;  // in the follower's stamp: 32 hexadecimal digits
  std::string redo;
};

// The `redo` column of the decider's row:
//   "shard-redo 1\n", then for each follower its identity (32 bytes), the
//   length of its redo (8 bytes, little-endian) and the redo.
// The format outlives releases, as that of the row does. Empty for no entries.
std::string EncodeRedoList(const std::vector<RedoEntry>& entries);

// The part of that database; nullopt when it has none. kDataLoss when the list
// is not of this form.
absl::StatusOr<std::optional<std::string>> FindRedo(std::string_view list,
                                                    std::string_view identity);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_REDO_LIST_H_
