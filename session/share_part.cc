#include "shard/session/share_part.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/fan_out.h"
#include "shard/session/row_stream.h"

namespace shard {

namespace {

absl::Status RunSome(absl::Span<SharePart> parts) {
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

}  // namespace

absl::Status RunParts(std::vector<SharePart>& parts) {
  return RunSome(absl::MakeSpan(parts));
}

absl::Status RunCopies(const sql::Table& table, std::vector<SharePart>* parts) {
  const absl::Span<SharePart> all = absl::MakeSpan(*parts);
  SHARD_RETURN_IF_ERROR(RunSome(all.first(1)));
  SHARD_RETURN_IF_ERROR(RunSome(all.subspan(1)));
  const SharePart& first = parts->front();
  for (SharePart& other : all.subspan(1)) {
    if (other.affected == first.affected) continue;
    return other.share->Failed(absl::DataLossError(absl::StrCat(
        "the statement changed ", other.affected, " rows of '", table.name(),
        "' on '", other.share->name(), "' and ", first.affected, " on '",
        first.share->name(),
        "', where they should be the same; bring them in line by statements "
        "that name a shard")));
  }
  parts->erase(parts->begin() + 1, parts->end());
  return absl::OkStatus();
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
