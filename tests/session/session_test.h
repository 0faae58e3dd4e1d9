// The same test in a session over one database and in one over shards.
#ifndef SHARD_TESTS_SESSION_SESSION_TEST_H_
#define SHARD_TESTS_SESSION_SESSION_TEST_H_

#include <memory>
#include <string>

#include "shard/router/bind_resolver.h"
#include "shard/session/entity.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {

// What the rows of these tests belong to when they do not say otherwise. For a
// mapped class: Field<F, std::string, "region", ClientDefault<&HomeRegion>>.
inline std::string HomeRegion() { return "eu"; }

// Four kinds: one database of each engine, or two shards of each. Sharded, a
// row is on "s0" where its column "region" is "eu" and on "s1" where it is
// "us", so that a test which leaves the region alone sends the same statements
// in all kinds, reads that name no region excepted: those go to both.
class SessionTest : public DatabaseTest {
 protected:
  // Makes the databases, with the tables of these classes. Call it once.
  template <MappedClass... Es>
  void Open() {
    MakeDatabases({&Es::table()...});
  }

  // For the database or the shards; two_phase is off.
  const SessionOptions& options() const { return options_; }
  // The database, or shard "s0", where rows of the home region are.
  const std::shared_ptr<Engine>& home() const { return home_; }
  // For statements there.
  template <MappedClass E>
  BindArguments AtHome() const {
    return is_sharded() ? BindTo<E>().OnShard("s0") : BindTo<E>();
  }
  // How many statements a read takes that names no region.
  std::size_t places() const { return is_sharded() ? 2 : 1; }

 private:
  void MakeDatabases(const sql::MetaData& tables);

  SessionOptions options_;
  std::shared_ptr<Engine> home_;
};

}  // namespace shard::testing

// All four kinds: SHARD_ON_SESSIONS(ExpressionRowsTest).
#define SHARD_ON_SESSIONS(suite)                                     \
  SHARD_ON_DATABASES(suite, "sqlite", "sqlitesharded", "postgresql", \
                     "postgresqlsharded")

#endif  // SHARD_TESTS_SESSION_SESSION_TEST_H_
