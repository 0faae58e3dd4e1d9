// One statement on several shares at once.
#ifndef SHARD_SESSION_SHARE_PART_H_
#define SHARD_SESSION_SHARE_PART_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/session/result.h"
#include "shard/session/transaction.h"
#include "shard/sql/value.h"

namespace shard {

// What one share runs, with what that needs until it has run.
struct SharePart {
  Share* share = nullptr;
  std::shared_ptr<const CompiledStatement> statement;
  std::vector<sql::ValueView> values;  // set after set, for so many runs
  std::size_t runs = 1;
  RowBatch rows;
  std::int64_t affected = 0;
};

// Runs all parts side by side; the first error. Their shares are open.
absl::Status RunParts(std::vector<SharePart>& parts);

// The same for parts that are to write the same rows on each share, the first
// before the others: two that write one row wait for each other there. Keeps
// the first part alone. kDataLoss, naming both shares, where another has
// changed more or fewer rows; poisons it.
absl::Status RunCopies(const sql::Table& table, std::vector<SharePart>* parts);

// Their rows, one part behind the other, and the sum of the rows they changed.
// `visible`: how many columns of them are shown, where not all are.
Result CollectParts(std::vector<SharePart> parts,
                    std::optional<std::size_t> visible = std::nullopt);

}  // namespace shard

#endif  // SHARD_SESSION_SHARE_PART_H_
