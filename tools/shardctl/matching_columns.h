// One table out of those of the same name on several shards.
#ifndef SHARD_TOOLS_SHARDCTL_MATCHING_COLUMNS_H_
#define SHARD_TOOLS_SHARDCTL_MATCHING_COLUMNS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/reflection.h"
#include "shard/sql/value_type.h"

namespace shard::shardctl {

struct TableOnShard {
  std::string shard;
  // SQLite's types say how a value is stored: INTEGER may as well be a bool,
  // TEXT a date, BLOB a UUID. A stricter type on another shard then counts.
  bool has_loose_types = false;
  ReflectedTable table;
};

// The columns as all shards have them, in the order of the first one; `types`
// are those that somebody has said, by column. kFailedPrecondition names two
// shards and what is different between them: a column, its type, whether it may
// be NULL, is in the primary key, has a default or is generated.
// kInvalidArgument: there is no such column to give a type to.
absl::StatusOr<ReflectedTable> MatchColumns(
    const std::string& table, absl::Span<const TableOnShard> shards,
    absl::Span<const std::pair<std::string, sql::ValueType>> types);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_MATCHING_COLUMNS_H_
