#include "shard/session/share_part.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/fan_out.h"
#include "shard/session/row_stream.h"

namespace shard {

absl::Status RunParts(std::vector<SharePart>& parts) {
  std::vector<FanOutTask> tasks;
  for (SharePart& part : parts) {
    tasks.push_back({&part.share->connection(),
                     [&part] {
                       return part.share->Start(
                           {part.statement.get(), part.values, part.runs});
                     },
                     [&part]() -> absl::Status {
                       SHARD_ASSIGN_OR_RETURN(const Outcome outcome,
                                              part.share->Finish(&part.rows));
                       part.affected = outcome.total_affected();
                       return absl::OkStatus();
                     },
                     absl::OkStatus()});
  }
  return FanOut(absl::MakeSpan(tasks));
}

Result CollectParts(std::vector<SharePart> parts,
                    std::optional<std::size_t> visible) {
  std::int64_t affected = 0;
  std::vector<ResultColumn> columns;
  std::vector<BufferedStream::Part> rows;
  for (SharePart& part : parts) {
    affected += part.affected;
    if (columns.empty()) columns = part.rows.columns();
    if (visible == 0) continue;
    rows.push_back({part.share->bind(), std::move(part.rows)});
  }
  if (visible.has_value()) columns.resize(std::min(*visible, columns.size()));
  return Result(
      std::make_shared<BufferedStream>(std::move(columns), std::move(rows)),
      affected);
}

}  // namespace shard
