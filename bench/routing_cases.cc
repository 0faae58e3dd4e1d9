// What a router between session and database costs: statements that one of four
// shards answers, beside the same in a plain session; and Get on four files.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/postgres_server.h"
#include "shard/bench/raw_get.h"
#include "shard/bench/session_get.h"
#include "shard/dialects/schema.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kReads = 2'000;
constexpr std::size_t kRoundTrips = 400;
constexpr auto& c = Item::c;

// A kept statement with the key as a parameter, run with one key after the
// other.
class ReadByStatement : public Side {
 public:
  ReadByStatement(std::shared_ptr<BindResolver> resolver, std::size_t reads)
      : resolver_(std::move(resolver)),
        keys_(ShuffledKeys(kStoredRows)),
        reads_(reads) {}

  // All shards are in the transaction.
  absl::Status Prepare() override {
    session_.emplace(SessionOptions{.resolver = resolver_});
    for (std::size_t i = reads_; i < reads_ + 100; ++i) {
      SHARD_RETURN_IF_ERROR(Read(keys_[i]));
    }
    return absl::OkStatus();
  }
  absl::Status Run() override {
    for (std::size_t i = 0; i < reads_; ++i) {
      SHARD_RETURN_IF_ERROR(Read(keys_[i]));
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override {
    session_.reset();
    return absl::OkStatus();
  }

 private:
  absl::Status Read(std::int64_t key) {
    SHARD_ASSIGN_OR_RETURN(const auto rows,
                           session_->Rows(by_key_, {{"id", sql::Value(key)}}));
    return rows.size() == 1 ? absl::OkStatus() : Missing();
  }

  const std::shared_ptr<BindResolver> resolver_;
  const TypedSelect<Item> by_key_ =
      Select<Item>().Where(c.id == Param<std::int64_t>("id"));
  const std::vector<std::int64_t> keys_;
  const std::size_t reads_;
  std::optional<ShardedSession> session_;
};

absl::StatusOr<std::shared_ptr<BindResolver>> StoredOnFiles(
    const TemporaryFolder& folder) {
  SHARD_ASSIGN_OR_RETURN(auto resolver, HashedBy(folder, c.id.column()));
  SHARD_RETURN_IF_ERROR(Store(resolver, kStoredRows));
  return resolver;
}

// A database of that name on the server, new, with an empty table of items.
absl::StatusOr<std::shared_ptr<Engine>> MakeDatabase(const std::string& url,
                                                     const std::string& name) {
  SHARD_ASSIGN_OR_RETURN(const auto server, OpenEngine(url));
  SHARD_ASSIGN_OR_RETURN(const auto connection, server->Connect());
  SHARD_RETURN_IF_ERROR(connection->ExecuteScript("DROP DATABASE IF EXISTS " +
                                                  name + " WITH (FORCE)"));
  SHARD_RETURN_IF_ERROR(connection->ExecuteScript("CREATE DATABASE " + name));
  SHARD_ASSIGN_OR_RETURN(
      std::shared_ptr<Engine> engine,
      OpenEngine(url.substr(0, url.rfind('/') + 1) + name, {.name = name}));
  SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
  return engine;
}

absl::StatusOr<std::shared_ptr<BindResolver>> StoredOnServer(
    const std::string& url) {
  HorizontalOptions options;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kShards; ++i) {
    names.push_back("bench_shard" + std::to_string(i));
    SHARD_ASSIGN_OR_RETURN(auto engine, MakeDatabase(url, names.back()));
    options.shards.emplace_back(names.back(), std::move(engine));
  }
  SHARD_ASSIGN_OR_RETURN(auto hash, HashStrategy::Create(names));
  options.rules.push_back(ShardBy(c.id, std::move(hash)));
  SHARD_ASSIGN_OR_RETURN(auto resolver,
                         HorizontalResolver::Create(std::move(options)));
  SHARD_RETURN_IF_ERROR(Store(resolver, kStoredRows));
  return resolver;
}

Case SqliteStatement(const std::shared_ptr<TemporaryFolder>& folder) {
  return {
      .name = "one_shard_statement/sqlite",
      .operations = kReads,
      .at_most = 1.12,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver, StoredOnFiles(*folder));
        return std::make_unique<ReadByStatement>(std::move(resolver), kReads);
      },
      .floor = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver,
                               StoredIn(folder->PathOf("one.db"), kStoredRows));
        return std::make_unique<ReadByStatement>(std::move(resolver), kReads);
      }};
}

Case PostgresStatement() {
  const auto server = std::make_shared<LazyPostgresServer>();
  return {.name = "one_shard_statement/postgres",
          .operations = kRoundTrips,
          .at_most = 1.05,
          .ours = [server]() -> absl::StatusOr<std::unique_ptr<Side>> {
            SHARD_ASSIGN_OR_RETURN(const std::string url, server->Url());
            SHARD_ASSIGN_OR_RETURN(auto resolver, StoredOnServer(url));
            return std::make_unique<ReadByStatement>(std::move(resolver),
                                                     kRoundTrips);
          },
          .floor = [server]() -> absl::StatusOr<std::unique_ptr<Side>> {
            SHARD_ASSIGN_OR_RETURN(const std::string url, server->Url());
            SHARD_ASSIGN_OR_RETURN(auto engine,
                                   MakeDatabase(url, "bench_plain"));
            auto resolver = OneDatabase(std::move(engine));
            SHARD_RETURN_IF_ERROR(Store(resolver, kStoredRows));
            return std::make_unique<ReadByStatement>(std::move(resolver),
                                                     kRoundTrips);
          }};
}

Case GetOnFiles(const std::shared_ptr<TemporaryFolder>& folder) {
  return {.name = "get/sqlite_4_shards",
          .operations = kReads,
          .at_most = 1.5,
          .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
            SHARD_ASSIGN_OR_RETURN(auto resolver, StoredOnFiles(*folder));
            return std::make_unique<SessionGet>(std::move(resolver), kReads);
          },
          .floor = [folder] { return MakeRawGet(*folder, kReads); }};
}

}  // namespace

std::vector<Case> RoutingCases() {
  const auto statement = std::make_shared<TemporaryFolder>();
  const auto get = std::make_shared<TemporaryFolder>();
  return {SqliteStatement(statement), PostgresStatement(), GetOnFiles(get)};
}

}  // namespace shard::bench
