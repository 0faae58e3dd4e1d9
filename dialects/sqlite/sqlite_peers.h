// Which databases a file may have followed.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_PEERS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_PEERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"

namespace shard {

// The table shard_peers(identity): the identities, in their stamps, of all
// deciders whose redo this file may ever have to ask for. A row is there,
// durably, before the file first follows that database, and stays.
absl::StatusOr<std::vector<std::string>> ListSqlitePeers(
    Connection& connection);

// Adds those that are missing, in a transaction of its own; whether there were
// any. Those that were there are not made durable.
absl::StatusOr<bool> AddSqlitePeers(Connection& connection,
                                    const std::vector<std::string>& identities);
// Those that are gone for good; in the running transaction, which holds the
// write lock. The table is there.
absl::Status RemoveSqlitePeers(Connection& connection,
                               const std::vector<std::string>& identities);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_PEERS_H_
