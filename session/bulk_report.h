// What became of the rows of a bulk operation.
#ifndef SHARD_SESSION_BULK_REPORT_H_
#define SHARD_SESSION_BULK_REPORT_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "shard/session/identity_key.h"

namespace shard {

// A row that was left out, by its place in the input, from 0.
struct RefusedRow {
  std::size_t position;
  absl::Status reason;  // names the row, counted from 1, and the column
};

// Plain value.
struct BulkReport {
  std::size_t inserted = 0;
  std::size_t updated = 0;
  std::size_t upserted = 0;  // inserted or updated: the database does not say
  std::size_t deleted = 0;
  std::size_t unchanged = 0;  // had a key and nothing to set
  // With BulkOptions::return_defaults: for each row of the input its primary
  // key, of which KeyValue::Views() has the values; of refused rows nothing.
  std::vector<KeyValue> keys{};
  std::vector<RefusedRow> refused{};  // with BulkOptions::skip_refused
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_REPORT_H_
