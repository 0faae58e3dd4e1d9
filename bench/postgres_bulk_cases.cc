// Bulk operations on PostgreSQL. SessionBulk says what is timed; over two
// servers the COMMIT is, too.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/postgres_server.h"
#include "shard/bench/raw_postgres.h"
#include "shard/bench/session_bulk.h"
#include "shard/dialects/schema.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/topology.h"

namespace shard::bench {
namespace {

constexpr std::size_t kRows = 100'000;

// Rolled back rows stay in the table's file until it is emptied, or vacuumed.
template <class Ours>
class Cleaned : public Ours {
 public:
  template <class... Arguments>
  Cleaned(std::unique_ptr<RawPostgres> raw, const char* clean,
          Arguments&&... arguments)
      : Ours(std::forward<Arguments>(arguments)...),
        raw_(std::move(raw)),
        clean_(clean) {}
  absl::Status Prepare() override {
    SHARD_RETURN_IF_ERROR(raw_->Run(clean_));
    return Ours::Prepare();
  }

 private:
  const std::unique_ptr<RawPostgres> raw_;
  const char* const clean_;
};

enum class Way { kCopy, kCopyWithKeys, kArraysWithKeys, kUpdate };

class RawBulk : public Side {
 public:
  RawBulk(std::unique_ptr<RawPostgres> raw, Way way)
      : raw_(std::move(raw)), rows_(MakeRows(kRows)), way_(way) {}
  absl::Status Prepare() override {
    return raw_->Run(way_ == Way::kUpdate ? "VACUUM bench_raw_items"
                                          : "TRUNCATE bench_raw_items");
  }
  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(raw_->Run("BEGIN"));
    switch (way_) {
      case Way::kCopy:
        return raw_->CopyUnnumbered("bench_raw_items", rows_);
      case Way::kCopyWithKeys:
        return raw_->Copy("bench_raw_items", rows_);
      case Way::kArraysWithKeys:
        return raw_->Insert(rows_);
      case Way::kUpdate:
        break;
    }
    return raw_->Update(kRows, ++quantity_);
  }
  absl::Status CleanUp() override { return raw_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawPostgres> raw_;
  std::vector<ItemRow> rows_;
  const Way way_;
  std::int64_t quantity_ = 1'000'000;
};

absl::StatusOr<std::shared_ptr<Engine>> MakeTable(const std::string& url) {
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, OpenEngine(url));
  SHARD_RETURN_IF_ERROR(DropAll(*engine, {&Item::table()}));
  SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
  return engine;
}

absl::StatusOr<std::unique_ptr<Side>> MakeOurs(LazyPostgresServer& server,
                                               Way way) {
  SHARD_ASSIGN_OR_RETURN(const std::string url, server.Url());
  SHARD_ASSIGN_OR_RETURN(auto engine, MakeTable(url));
  SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
  auto resolver = OneDatabase(std::move(engine));
  if (way == Way::kUpdate) {
    SHARD_RETURN_IF_ERROR(Store(resolver, kRows));
    return std::make_unique<Cleaned<SessionBulkUpdate>>(
        std::move(raw), "VACUUM bench_items", std::move(resolver), kRows);
  }
  return std::make_unique<Cleaned<SessionBulkInsert>>(
      std::move(raw), "TRUNCATE bench_items", std::move(resolver), kRows,
      way != Way::kCopy);
}

// After MakeOurs, whose table it copies.
absl::StatusOr<std::unique_ptr<Side>> MakeRaw(LazyPostgresServer& server,
                                              Way way) {
  SHARD_ASSIGN_OR_RETURN(const std::string url, server.Url());
  SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
  SHARD_RETURN_IF_ERROR(raw->Run("DROP TABLE IF EXISTS bench_raw_items"));
  SHARD_RETURN_IF_ERROR(raw->Run(
      "CREATE TABLE bench_raw_items (LIKE bench_items INCLUDING ALL)"));
  SHARD_RETURN_IF_ERROR(raw->PrepareInsert("bench_raw_items"));
  SHARD_RETURN_IF_ERROR(raw->PrepareUpdate("bench_raw_items"));
  if (way == Way::kUpdate) {
    SHARD_RETURN_IF_ERROR(raw->Run(
        "INSERT INTO bench_raw_items SELECT * FROM bench_items ORDER BY id"));
  }
  return std::make_unique<RawBulk>(std::move(raw), way);
}

// Structs into one table or two, and an atomic COMMIT.
class CommittedInsert : public Side {
 public:
  static absl::StatusOr<std::unique_ptr<Side>> Make(
      const std::vector<std::string>& urls) {
    auto made = std::make_unique<CommittedInsert>();
    HorizontalOptions horizontal;
    std::vector<std::string> names;
    for (const std::string& url : urls) {
      names.push_back(absl::StrCat("d", names.size()));
      SHARD_ASSIGN_OR_RETURN(auto engine, MakeTable(url));
      SHARD_ASSIGN_OR_RETURN(made->raw_.emplace_back(), RawPostgres::Open(url));
      horizontal.shards.emplace_back(names.back(), std::move(engine));
    }
    SHARD_ASSIGN_OR_RETURN(
        made->options_.topology,
        Topology::Open({.cluster = "bench", .databases = horizontal.shards}));
    SHARD_ASSIGN_OR_RETURN(auto hash, HashStrategy::Create(names));
    horizontal.rules.push_back(
        ShardRule{{&Item::c.quantity.column()}, std::move(hash)});
    SHARD_ASSIGN_OR_RETURN(made->options_.resolver,
                           HorizontalResolver::Create(std::move(horizontal)));
    made->options_.recovery.background = false;
    return made;
  }
  absl::Status Prepare() override {
    for (const auto& raw : raw_) {
      SHARD_RETURN_IF_ERROR(raw->Run("TRUNCATE bench_items"));
    }
    session_.emplace(options_);
    return absl::OkStatus();
  }
  absl::Status Run() override {
    BulkOptions bulk;
    bulk.number_keys = true;
    SHARD_RETURN_IF_ERROR(session_->BulkInsert<Item>(rows_, bulk).status());
    return session_->Commit().status();
  }
  absl::Status CleanUp() override {
    session_.reset();
    return absl::OkStatus();
  }

 private:
  const std::vector<Item::Row> rows_ = MakeStructs(kRows);
  std::vector<std::unique_ptr<RawPostgres>> raw_;
  SessionOptions options_;
  std::optional<ShardedSession> session_;
};

Case TwoServers() {
  const auto server = std::make_shared<std::unique_ptr<PostgresServer>>();
  const auto make =
      [server](std::size_t count) -> absl::StatusOr<std::unique_ptr<Side>> {
    if (*server == nullptr) {
      SHARD_ASSIGN_OR_RETURN(*server, PostgresServer::Find());
    }
    std::vector<std::string> urls = (*server)->urls();
    if (urls.size() < 2) return absl::UnavailableError("needs two servers");
    urls = count == 2 ? std::vector<std::string>{urls[0], urls[1]}
                      : std::vector<std::string>{urls[0]};
    for (std::string& url : urls) {
      SHARD_ASSIGN_OR_RETURN(const auto raw, RawPostgres::Open(url));
      const std::string database = absl::StrCat("bench_bulk_", count);
      SHARD_RETURN_IF_ERROR(raw->Run(
          absl::StrCat("DROP DATABASE IF EXISTS ", database, " WITH (FORCE)")
              .c_str()));
      SHARD_RETURN_IF_ERROR(
          raw->Run(absl::StrCat("CREATE DATABASE ", database).c_str()));
      url = absl::StrCat(url.substr(0, url.rfind('/') + 1), database);
    }
    return CommittedInsert::Make(urls);
  };
  return {.name = "bulk_insert/2_postgres",
          .operations = kRows,
          .at_most = 0.8,
          .ours = [make] { return make(2); },
          .floor = [make] { return make(1); }};
}

}  // namespace

std::vector<Case> PostgresBulkCases() {
  const auto server = std::make_shared<LazyPostgresServer>();
  const auto make = [server](std::string name, double at_most, Way way) {
    return Case{.name = std::move(name),
                .operations = kRows,
                .at_most = at_most,
                .ours = [server, way] { return MakeOurs(*server, way); },
                .floor = [server, way] { return MakeRaw(*server, way); }};
  };
  return {make("bulk_insert/postgres", 1.2, Way::kCopy),
          make("bulk_insert_keys/postgres_copy", 1.25, Way::kCopyWithKeys),
          make("bulk_insert_keys/postgres", 1.25, Way::kArraysWithKeys),
          make("bulk_update/postgres", 1.2, Way::kUpdate), TwoServers()};
}

}  // namespace shard::bench
