// Creating and dropping the tables of a MetaData.
#ifndef SHARD_DIALECTS_SCHEMA_H_
#define SHARD_DIALECTS_SCHEMA_H_

#include "absl/status/status.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/table_naming.h"
#include "shard/sql/table.h"

namespace shard {

// Creates the tables that do not exist yet, in order, in one transaction: all
// or none. A table that exists is left as it is, also when it looks different.
// With a naming, those of one of several shards in the database: its schema is
// made, too. Errors: see Dialect::Named, and the connection's.
absl::Status CreateAll(Engine& engine, const sql::MetaData& metadata,
                       const TableNaming& naming = {});

// Drops the tables that exist, in the opposite order, in one transaction. A
// schema stays.
absl::Status DropAll(Engine& engine, const sql::MetaData& metadata,
                     const TableNaming& naming = {});

}  // namespace shard

#endif  // SHARD_DIALECTS_SCHEMA_H_
