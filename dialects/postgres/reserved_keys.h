// Keys taken from a sequence before the rows that get them.
#ifndef SHARD_DIALECTS_POSTGRES_RESERVED_KEYS_H_
#define SHARD_DIALECTS_POSTGRES_RESERVED_KEYS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/link.h"

namespace shard::postgres {

// For an InsertRequest without `returning`: its generated key becomes a column
// like the others. Owns what the new request points to, besides what the old
// one does.
class ReservedKeys {
 public:
  // Asks the server, and waits. kFailedPrecondition when the key column owns no
  // sequence.
  static absl::StatusOr<ReservedKeys> Take(Link& link,
                                           const InsertRequest& request);

  // Valid while this object stays where it is.
  InsertRequest Request() const;
  const std::vector<std::int64_t>& keys() const { return keys_; }

 private:
  InsertRequest request_;
  std::vector<std::int64_t> keys_;
  std::vector<const sql::Column*> columns_;
  std::vector<sql::ValueView> values_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_RESERVED_KEYS_H_
