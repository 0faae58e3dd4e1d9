// A PostgreSQL server, asked past the library that the tests are about.
#ifndef SHARD_TESTS_SUPPORT_POSTGRES_CLIENT_H_
#define SHARD_TESTS_SUPPORT_POSTGRES_CLIENT_H_

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace shard::testing {

// One connection of libpq's, of one user at a time, closed with its object.
// What fails throws std::runtime_error with the server's words.
class PostgresClient {
 public:
  // `settings`, such as "-c lock_timeout=5s", replace those of the URL.
  explicit PostgresClient(const std::string& url,
                          const std::string& settings = "");

  // Runs statements, one or several; the first column of the last one's rows,
  // with "" for NULL.
  std::vector<std::string> Run(const std::string& sql);

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SUPPORT_POSTGRES_CLIENT_H_
