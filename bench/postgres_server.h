// A PostgreSQL server for the comparisons.
#ifndef SHARD_BENCH_POSTGRES_SERVER_H_
#define SHARD_BENCH_POSTGRES_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard::bench {

// The servers that SHARD_BENCH_POSTGRES_URL or SHARD_TEST_POSTGRES_URLS name
// (with commas between); without either two throw-away clusters of
// tools/pg_clusters.sh, which stop when this object or the process ends, no
// matter how: the script waits on a pipe that ends with them.
class PostgresServer {
 public:
  // kUnavailable when there is none and none can be started.
  static absl::StatusOr<std::unique_ptr<PostgresServer>> Find();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The first.
  const std::string& url() const { return urls_.front(); }
  const std::vector<std::string>& urls() const { return urls_; }

 private:
  PostgresServer() = default;
  // Starts the script and reads the URLs that it writes; "" if it has none.
  std::string StartCluster(const std::string& script);

  std::vector<std::string> urls_;
  pid_t script_ = 0;    // none: a server that was there before
  int keep_alive_ = 0;  // our end of the pipe
};

// Started by the first case that needs it, for as long as there are cases.
class LazyPostgresServer {
 public:
  absl::StatusOr<std::string> Url() {
    if (server_ == nullptr) {
      SHARD_ASSIGN_OR_RETURN(server_, PostgresServer::Find());
    }
    return server_->url();
  }

 private:
  std::unique_ptr<PostgresServer> server_;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_POSTGRES_SERVER_H_
