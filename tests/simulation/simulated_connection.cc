#include "shard/tests/simulation/simulated_connection.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "shard/base/status_macros.h"

namespace shard::testing {

absl::Status SimulatedConnection::Start(const Request& request) {
  const std::vector<std::string> words =
      absl::StrSplit(request.statement->text, ' ');
  int tag = 0, row = 0;
  if (words.size() != 3 || words[0] != "write" ||
      !absl::SimpleAtoi(words[1], &tag) || !absl::SimpleAtoi(words[2], &row)) {
    return NoSql();
  }
  return StartWrite(tag, row);
}

absl::StatusOr<Outcome> SimulatedConnection::Finish(RowBatch*) {
  SHARD_RETURN_IF_ERROR(FinishWrite());
  return Outcome{{1}, {}};
}

}  // namespace shard::testing
