// The wire to one server: connected by libpqxx, driven by libpq.
#ifndef SHARD_DIALECTS_POSTGRES_LINK_H_
#define SHARD_DIALECTS_POSTGRES_LINK_H_

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/postgres/conninfo.h"

namespace shard::postgres {

// libpqxx owns the connection, connects and closes it; what it cannot do
// (pipelines, calls that do not wait, binary parameters) is done with libpq on
// the same connection. Not thread-safe.
class Link {
 public:
  static absl::StatusOr<std::unique_ptr<Link>> Connect(const ConnInfo& info);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Non-blocking: what is written waits in memory until it can be sent. Null
  // when libpqxx found it lost; libpq takes that for a broken connection.
  PGconn* libpq() const;

  // The rows of a query of ours on the catalogue; NULL comes as "". At most
  // nine parameters.
  absl::StatusOr<std::vector<std::vector<std::string>>> LookUp(
      std::string_view query, absl::Span<const std::string> parameters);

 private:
  class Libpqxx;
  explicit Link(std::unique_ptr<Libpqxx> libpqxx);

  std::unique_ptr<Libpqxx> libpqxx_;
};

// Sends what waits to be sent and reads until something has come in;
// false when the connection broke.
bool WaitForServer(PGconn* connection);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_LINK_H_
