// A database as others than the library see it.
#ifndef SHARD_TESTS_TOOLS_RAW_DATABASE_H_
#define SHARD_TESTS_TOOLS_RAW_DATABASE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace shard::testing {

// A connection to one, on the raw driver. Throws when anything fails. Ends, and
// rolls back what is open, with the object.
class RawDatabase {
 public:
  // An empty one, gone with the object: on one of the servers for tests, on the
  // one with max_prepared_transactions = 0, or in a file. Null where there is
  // no such server.
  static std::unique_ptr<RawDatabase> NewPostgres(std::size_t server);
  static std::unique_ptr<RawDatabase> NewPostgresThatCannotPrepare();
  static std::unique_ptr<RawDatabase> NewSqlite(const std::string& path);

  virtual ~RawDatabase() = default;

  const std::string& url() const { return url_; }
  // Runs statements, each by itself; returns the first value of the last
  // result: empty when there is none.
  virtual std::string Run(const std::string& sql) = 0;
  // Another connection to the same database.
  virtual std::unique_ptr<RawDatabase> Again() const = 0;

 protected:
  explicit RawDatabase(std::string url) : url_(std::move(url)) {}

 private:
  const std::string url_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_TOOLS_RAW_DATABASE_H_
