// How a bulk operation goes about its rows.
#ifndef SHARD_SESSION_BULK_OPTIONS_H_
#define SHARD_SESSION_BULK_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "shard/sql/column.h"

namespace shard {

// Which order of the input is kept on each database. Between databases there is
// none: they work at the same time.
enum class BulkOrder : std::uint8_t {
  // Class after class as they first appear, new rows before changed ones; rows
  // of equal columns in one batch.
  kAny,
  // Neighbours of one class that are all new, or all there, form a run; runs
  // are written one after the other, each as by kAny. Only BulkSaveObjects has
  // more than one run.
  kRuns,
  // Row by row: a row with other columns than the one before begins another
  // statement.
  kRows,
};

// Plain values; each says where it counts.
struct BulkOptions {
  // Inserts: BulkReport::keys tells the rows' primary keys, and objects take
  // them over: see ShardedSession::BulkSaveObjects. Rows that the database
  // numbers then cost more.
  bool return_defaults = false;
  // Inserts: NULL is written where else the column's default would be.
  bool render_nulls = false;
  // Inserts of plain structs, whose key always has some value: it is left out,
  // and the database numbers the rows; or the columns are that
  // SessionOptions::keys has generators for, and those make them.
  bool number_keys = false;
  // Updates of objects: what was assigned and not flushed. False: all that is
  // loaded, so that objects which changed in other ways share a statement.
  bool update_changed_only = true;
  // Rows that are refused are left out and reported, instead of an error.
  bool skip_refused = false;
  BulkOrder preserve_order = BulkOrder::kRuns;
  // Upserts: the columns of the unique constraint that makes a row the same.
  // None: the primary key.
  std::vector<const sql::Column*> conflict{};
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_OPTIONS_H_
