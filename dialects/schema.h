// Creating and dropping the tables of a MetaData.
#ifndef SHARD_DIALECTS_SCHEMA_H_
#define SHARD_DIALECTS_SCHEMA_H_

#include "absl/status/status.h"
#include "shard/dialects/engine.h"
#include "shard/sql/table.h"

namespace shard {

// Creates the tables that do not exist yet, in order, in one transaction: all
// or none. A table that exists is left as it is, also when it looks different.
absl::Status CreateAll(Engine& engine, const sql::MetaData& metadata);

// Drops the tables that exist, in the opposite order, in one transaction.
absl::Status DropAll(Engine& engine, const sql::MetaData& metadata);

}  // namespace shard

#endif  // SHARD_DIALECTS_SCHEMA_H_
