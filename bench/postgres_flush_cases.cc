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

// Rolled back rows stay in the table's file until it is emptied.
class PostgresSessionFlush : public SessionFlush {
 public:
  PostgresSessionFlush(std::shared_ptr<BindResolver> resolver,
                       std::unique_ptr<RawPostgres> raw, std::size_t rows)
      : SessionFlush(std::move(resolver), rows), raw_(std::move(raw)) {}
  absl::Status Prepare() override {
    SHARD_RETURN_IF_ERROR(raw_->Run("TRUNCATE bench_items"));
    return SessionFlush::Prepare();
  }

 private:
  const std::unique_ptr<RawPostgres> raw_;
};

enum class Way { kArrays, kCopy };

class RawPostgresFlush : public Side {
 public:
  RawPostgresFlush(std::unique_ptr<RawPostgres> raw, std::size_t rows, Way way)
      : raw_(std::move(raw)), rows_(MakeRows(rows)), way_(way) {}
  absl::Status Prepare() override {
    return raw_->Run("TRUNCATE bench_raw_items");
  }
  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(raw_->Run("BEGIN"));
    return way_ == Way::kCopy ? raw_->Copy("bench_raw_items", rows_)
                              : raw_->Insert(rows_);
  }
  absl::Status CleanUp() override { return raw_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawPostgres> raw_;
  std::vector<ItemRow> rows_;
  const Way way_;
};

absl::StatusOr<std::unique_ptr<Side>> MakeOurs(LazyPostgresServer& server,
                                               std::size_t rows) {
  SHARD_ASSIGN_OR_RETURN(const std::string url, server.Url());
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, OpenEngine(url));
  SHARD_RETURN_IF_ERROR(DropAll(*engine, {&Item::table()}));
  SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
  SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
  return std::make_unique<PostgresSessionFlush>(OneDatabase(std::move(engine)),
                                                std::move(raw), rows);
}

// After MakeOurs, whose table it copies.
absl::StatusOr<std::unique_ptr<Side>> MakeRaw(LazyPostgresServer& server,
                                              std::size_t rows, Way way) {
  SHARD_ASSIGN_OR_RETURN(const std::string url, server.Url());
  SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
  SHARD_RETURN_IF_ERROR(raw->Run("DROP TABLE IF EXISTS bench_raw_items"));
  SHARD_RETURN_IF_ERROR(raw->Run(
      "CREATE TABLE bench_raw_items (LIKE bench_items INCLUDING ALL)"));
  SHARD_RETURN_IF_ERROR(raw->PrepareInsert("bench_raw_items"));
  return std::make_unique<RawPostgresFlush>(std::move(raw), rows, way);
}

}  // namespace

std::vector<Case> PostgresFlushCases() {
  const auto server = std::make_shared<LazyPostgresServer>();
  const auto make = [server](std::string name, std::size_t rows, double at_most,
                             Way way) {
    return Case{
        .name = std::move(name),
        .operations = rows,
        .at_most = at_most,
        .ours = [server, rows] { return MakeOurs(*server, rows); },
        .floor = [server, rows, way] { return MakeRaw(*server, rows, way); }};
  };
  return {make("flush_10000/postgres", 10'000, 1.6, Way::kArrays),
          make("flush_100000/postgres", 100'000, 1.4, Way::kArrays),
          make("flush_100000/postgres_copy", 100'000, 1.4, Way::kCopy)};
}

}  // namespace shard::bench
