// Splitting a SELECT over several shards.
#ifndef SHARD_SESSION_SCATTER_PLAN_H_
#define SHARD_SESSION_SCATTER_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/dialect.h"
#include "shard/session/value_order.h"
#include "shard/sql/select.h"

namespace shard {

// What each shard is asked, and how the answers are put together: merged by
// `keys` (none: concatenated), then `offset` and `limit` of the whole. Rows
// have `visible` columns, then hidden sort keys.
struct ScatterPlan {
  sql::SelectStatement per_shard;
  std::size_t visible = 0;
  std::vector<SortKey> keys;
  std::int64_t offset = 0;
  std::optional<std::int64_t> limit;
};

// What a plan must know of a place.
struct ScatterPlace {
  const Dialect* dialect = nullptr;
  bool text_sorts_by_bytes = false;
};

// Plans `select` for `places`, two or more. An answer is right or there is an
// error, never a wrong answer:
//   kUnimplemented   what cannot be put together from several shards yet,
//   named:
//                    GROUP BY, aggregates, HAVING, DISTINCT, subqueries, raw
//                    text, functions not known to be scalar, FOR UPDATE with
//                    LIMIT, sort keys of unknown or unordered type, text sorted
//                    other than by bytes
//   kInvalidArgument LIMIT or OFFSET is negative
//   kOutOfRange      OFFSET + LIMIT overflows
absl::StatusOr<ScatterPlan> PlanScatter(const sql::SelectStatement& select,
                                        absl::Span<const ScatterPlace> places);

// kUnimplemented when an UPDATE, DELETE or other statement with these
// expressions cannot run on several shards.
absl::Status CheckScatters(const std::vector<sql::Expression>& expressions);

}  // namespace shard

#endif  // SHARD_SESSION_SCATTER_PLAN_H_
