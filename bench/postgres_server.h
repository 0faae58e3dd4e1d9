// A PostgreSQL server for the comparisons.
#ifndef SHARD_BENCH_POSTGRES_SERVER_H_
#define SHARD_BENCH_POSTGRES_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace shard::bench {

// The server that SHARD_BENCH_POSTGRES_URL names, or the first of
// SHARD_TEST_POSTGRES_URLS; without either a throw-away cluster of
// tools/pg_clusters.sh, which stops when this object or the process ends, no
// matter how: the script waits on a pipe that ends with them.
class PostgresServer {
 public:
  // kUnavailable when there is none and none can be started.
  static absl::StatusOr<std::unique_ptr<PostgresServer>> Find();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  const std::string& url() const { return url_; }

 private:
  PostgresServer() = default;
  // Starts the script and reads the URL that it writes; "" if it has none.
  std::string StartCluster(const std::string& script);

  std::string url_;
  pid_t script_ = 0;    // none: a server that was there before
  int keep_alive_ = 0;  // our end of the pipe
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_POSTGRES_SERVER_H_
