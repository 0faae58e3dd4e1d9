// Whether a statement writes the same wherever it runs.
#ifndef SHARD_SESSION_SAME_EVERYWHERE_H_
#define SHARD_SESSION_SAME_EVERYWHERE_H_

#include "absl/status/status.h"
#include "shard/sql/statement.h"

namespace shard {

// For rows that stand on all shards, before an INSERT, UPDATE or DELETE runs on
// each of them. kInvalidArgument, naming the column, for an INSERT that leaves
// one to the database which that makes by itself (a number, a server default);
// kUnimplemented, naming it, for SQL that may come to something else on each:
// functions (save abs, coalesce and length) and raw text. Subqueries are the
// router's business.
absl::Status CheckSameEverywhere(const sql::Statement& statement);

}  // namespace shard

#endif  // SHARD_SESSION_SAME_EVERYWHERE_H_
