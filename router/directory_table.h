// The table of a shard directory.
#ifndef SHARD_ROUTER_DIRECTORY_TABLE_H_
#define SHARD_ROUTER_DIRECTORY_TABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"

namespace shard {

// key: an encoded shard key (EncodeShardKey, placement.h), the primary key;
// shard: a name. Each call borrows a connection of the engine's pool and gives
// it back; writes are committed by themselves. Thread-safe. Errors are the
// database's, with the table and the engine in front.
class DirectoryTable {
 public:
  DirectoryTable(std::shared_ptr<Engine> engine, const std::string& name);

  // Makes the table where there is none.
  absl::Status Create();

  // The shards of those keys that have one, in one go.
  using Shards = absl::flat_hash_map<std::string, std::string>;
  absl::StatusOr<Shards> Read(absl::Span<const std::string> keys);

  // Gives the key a shard unless it has one; the one that it has then. Of
  // several who ask at once, here or in other processes, all get the same
  // answer. kAborted when the entry went away meanwhile.
  absl::StatusOr<std::string> Assign(const std::string& key,
                                     const std::string& shard);

  // Gives the key that shard, whatever it had.
  absl::Status Write(const std::string& key, const std::string& shard);

  // "shard directory 'name' on 'engine'".
  std::string Name() const;

 private:
  absl::StatusOr<Shards> ReadRows(absl::Span<const std::string> keys);
  // How many rows were written.
  absl::StatusOr<std::int64_t> Run(const sql::Statement& statement,
                                   const std::string& key,
                                   const std::string& shard);

  const std::shared_ptr<Engine> engine_;
  const sql::Table table_;
  const sql::Statement read_;
  const sql::Statement assign_;
  const sql::Statement write_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_DIRECTORY_TABLE_H_
