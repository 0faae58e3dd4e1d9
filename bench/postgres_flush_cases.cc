// Flushing new objects to PostgreSQL. SessionFlush says what is timed; the
// statements that begin and empty the table are other people's round trips, but
// BEGIN is timed on both sides.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/postgres_server.h"
#include "shard/bench/raw_postgres.h"
#include "shard/bench/session_flush.h"
#include "shard/dialects/schema.h"

namespace shard::bench {
namespace {

// Started by the first case that needs it, for as long as there are cases.
class Server {
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

// Rolled back rows stay in the table's file until it is emptied.
class PostgresSessionFlush : public SessionFlush {
 public:
  PostgresSessionFlush(std::shared_ptr<BindResolver> resolver,
                       std::unique_ptr<RawPostgres> raw)
      : SessionFlush(std::move(resolver)), raw_(std::move(raw)) {}
  absl::Status Prepare() override {
    SHARD_RETURN_IF_ERROR(raw_->Run("TRUNCATE bench_items"));
    return SessionFlush::Prepare();
  }

 private:
  const std::unique_ptr<RawPostgres> raw_;
};

class RawPostgresFlush : public Side {
 public:
  explicit RawPostgresFlush(std::unique_ptr<RawPostgres> raw)
      : raw_(std::move(raw)), rows_(MakeRows(kFlushRows)) {}
  absl::Status Prepare() override {
    return raw_->Run("TRUNCATE bench_raw_items");
  }
  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(raw_->Run("BEGIN"));
    return raw_->Insert(rows_);
  }
  absl::Status CleanUp() override { return raw_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawPostgres> raw_;
  std::vector<ItemRow> rows_;
};

absl::StatusOr<std::unique_ptr<Side>> MakeOurs(Server& server) {
  SHARD_ASSIGN_OR_RETURN(const std::string url, server.Url());
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, OpenEngine(url));
  SHARD_RETURN_IF_ERROR(DropAll(*engine, {&Item::table()}));
  SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
  SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
  return std::make_unique<PostgresSessionFlush>(OneDatabase(std::move(engine)),
                                                std::move(raw));
}

// After MakeOurs, whose table it copies.
absl::StatusOr<std::unique_ptr<Side>> MakeRaw(Server& server) {
  SHARD_ASSIGN_OR_RETURN(const std::string url, server.Url());
  SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
  SHARD_RETURN_IF_ERROR(raw->Run("DROP TABLE IF EXISTS bench_raw_items"));
  SHARD_RETURN_IF_ERROR(raw->Run(
      "CREATE TABLE bench_raw_items (LIKE bench_items INCLUDING ALL)"));
  SHARD_RETURN_IF_ERROR(raw->PrepareInsert("bench_raw_items"));
  return std::make_unique<RawPostgresFlush>(std::move(raw));
}

}  // namespace

std::vector<Case> PostgresFlushCases() {
  const auto server = std::make_shared<Server>();
  const Case one_server{.name = "flush_10000/postgres",
                        .operations = kFlushRows,
                        .at_most = 1.6,
                        .ours = [server] { return MakeOurs(*server); },
                        .floor = [server] { return MakeRaw(*server); }};
  return {one_server};
}

}  // namespace shard::bench
