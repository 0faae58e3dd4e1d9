#include "shard/tests/support/postgres_databases.h"

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "shard/tests/support/postgres_client.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

class PostgresDatabasesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CountPostgresServers() == 0) {
      GTEST_SKIP() << "SHARD_TEST_POSTGRES_URLS is not set; ./test sets it";
    }
    server_ = std::getenv("SHARD_TEST_POSTGRES_URLS");
    server_ = server_.substr(0, server_.find(','));
  }

  // Of those names on the server.
  std::vector<std::string> Existing(const std::vector<std::string>& names) {
    std::string list = "NULL";
    for (const auto& name : names) absl::StrAppend(&list, ",'", name, "'");
    return PostgresClient(server_).Run(absl::StrCat(
        "SELECT datname FROM pg_database WHERE datname IN (", list, ")"));
  }

  static std::string Name(const std::string& url) {
    return PostgresClient(url).Run("SELECT current_database()")[0];
  }

  // A gid is one of the whole server, which others use as well.
  static std::string PrepareOne(const std::string& name) {
    return absl::StrCat(
        "BEGIN; CREATE TABLE prepared (id int);"
        "PREPARE TRANSACTION 'it''s ",
        name, "'");
  }

  // Everything that makes a database differ from a new one.
  static std::vector<std::string> Contents(const std::string& url) {
    return PostgresClient(url).Run(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'"
        " AND nspname <> 'information_schema'"
        " UNION ALL SELECT relname FROM pg_class WHERE oid >= 16384"
        "  AND relnamespace <> 'pg_toast'::regnamespace"
        " UNION ALL SELECT typname FROM pg_type WHERE oid >= 16384"
        " UNION ALL SELECT proname FROM pg_proc WHERE oid >= 16384"
        " UNION ALL SELECT unnest(setconfig) FROM pg_db_role_setting"
        "  WHERE setdatabase = (SELECT oid FROM pg_database"
        "  WHERE datname = current_database())"
        " UNION ALL SELECT gid FROM pg_prepared_xacts"
        "  WHERE database = current_database()");
  }

  std::string server_;
  PostgresDatabases databases_;
};

TEST_F(PostgresDatabasesTest, EachIsADatabaseOfItsOwn) {
  const std::string one = databases_.Take(server_);
  const std::string two = databases_.Take(server_);
  EXPECT_NE(Name(one), Name(two));
  EXPECT_THAT(Contents(one), ElementsAre("public"));
  PostgresClient(one).Run("CREATE TABLE t (id int)");
  EXPECT_THAT(Contents(one), UnorderedElementsAre("public", "t", "t", "_t"));
  EXPECT_THAT(Contents(two), ElementsAre("public"));
}

TEST_F(PostgresDatabasesTest, TheNextFindsNothingOfTheLast) {
  const std::string url = databases_.Take(server_);
  PostgresClient client(url);
  client.Run(
      "CREATE TABLE parents (id serial PRIMARY KEY);"
      "CREATE TYPE mood AS ENUM ('sad', 'happy');"
      "CREATE SEQUENCE numbers;"
      "CREATE SCHEMA \"Odd name\";"
      "CREATE TABLE \"Odd name\".children (id int REFERENCES parents, m mood);"
      "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  client.Run(absl::StrCat("ALTER DATABASE ", Name(url),
                          " SET default_transaction_read_only = on"));
  client.Run(PrepareOne(Name(url)));
  client.Run("BEGIN; LOCK TABLE parents");  // and stays connected
  databases_.GiveBack(url);

  EXPECT_EQ(databases_.Take(server_), url);
  EXPECT_THAT(Contents(url), ElementsAre("public"));
  EXPECT_THAT([&] { client.Run("SELECT 1"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("terminating")));
  PostgresClient(url).Run("CREATE TABLE parents (id int)");
}

TEST_F(PostgresDatabasesTest, DropsWhatIsTakenAndWhatIsIdle) {
  std::vector<std::string> names;
  {
    PostgresDatabases databases;
    const std::string idle = databases.Take(server_);
    const std::string taken = databases.Take(server_);
    names = {Name(idle), Name(taken)};
    databases.GiveBack(idle);
    PostgresClient(taken).Run(PrepareOne(Name(taken)));
    EXPECT_EQ(Existing(names).size(), 2);
  }
  EXPECT_THAT(Existing(names), IsEmpty());
}

TEST_F(PostgresDatabasesTest, WhatCannotBeEmptiedIsNotHandedOut) {
  const std::string url = databases_.Take(server_);
  const std::string name = Name(url);
  PostgresClient(server_).Run(
      absl::StrCat("ALTER DATABASE ", name, " ALLOW_CONNECTIONS false"));
  EXPECT_NONFATAL_FAILURE(databases_.GiveBack(url), name);
  EXPECT_NE(databases_.Take(server_), url);
}

TEST_F(PostgresDatabasesTest, AMissingServer) {
  const std::string nowhere = "postgresql://u@127.0.0.1:1/postgres";
  EXPECT_THAT([&] { databases_.Take(nowhere); },
              ThrowsMessage<std::runtime_error>(HasSubstr("refused")));
}

TEST_F(PostgresDatabasesTest, KeepsTheQueryOfTheUrl) {
  const std::string url =
      databases_.Take(server_ + "?options=-csearch_path%3Dmine");
  EXPECT_THAT(PostgresClient(url).Run("SHOW search_path"), ElementsAre("mine"));
}

TEST_F(PostgresDatabasesTest, ServersInTurn) {
  const std::size_t servers = CountPostgresServers();
  std::vector<PostgresDatabase> taken;
  std::vector<std::string> ports;
  for (std::size_t i = 0; i <= servers; ++i) {
    taken.push_back(PostgresDatabase::OnServer(i));
    ports.push_back(
        PostgresClient(taken.back().url()).Run("SHOW port").front());
  }
  EXPECT_EQ(ports.front(), ports.back());
  for (std::size_t i = 1; i < servers; ++i) EXPECT_NE(ports[i], ports[i - 1]);
}

TEST_F(PostgresDatabasesTest, TheEndOfATestGivesItsDatabaseBack) {
  std::string url;
  {
    PostgresDatabase first = PostgresDatabase::OnServer(0);
    url = first.url();
    PostgresClient(url).Run("CREATE TABLE t (id int)");
    const PostgresDatabase second = std::move(first);
    EXPECT_EQ(second.url(), url);
  }
  EXPECT_EQ(PostgresDatabase::OnServer(0).url(), url);
  EXPECT_THAT(Contents(url), ElementsAre("public"));
}

TEST_F(PostgresDatabasesTest, AServerThatCannotPrepare) {
  if (!HasPostgresWithoutPrepare()) {
    GTEST_SKIP() << "SHARD_TEST_POSTGRES_NO_PREPARE_URL is not set; ./test "
                    "sets it";
  }
  const PostgresDatabase database = PostgresDatabase::WithoutPrepare();
  PostgresClient client(database.url());
  EXPECT_THAT(client.Run("SHOW max_prepared_transactions"), ElementsAre("0"));
  EXPECT_THAT([&] { client.Run(PrepareOne("one")); },
              ThrowsMessage<std::runtime_error>(HasSubstr("disabled")));
}

}  // namespace
}  // namespace shard::testing
