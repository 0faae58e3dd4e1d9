// Shards that have a database in common.
#ifndef SHARD_ROUTER_SHARED_DATABASES_H_
#define SHARD_ROUTER_SHARED_DATABASES_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/router/bind.h"
#include "shard/sql/table.h"

namespace shard {

// kInvalidArgument, naming both shards, when two of them keep rows in the same
// table of the same engine: reads would find every row twice. Shards whose
// tables have the same names are refused even where `tables` is empty. Looks at
// names only: schemas that a search path makes the same are not seen.
absl::Status CheckTablesApart(absl::Span<const Bind> shards,
                              const std::vector<const sql::Table*>& tables);

}  // namespace shard

#endif  // SHARD_ROUTER_SHARED_DATABASES_H_
