// Get by primary key from a server; on the other side a prepared SELECT through
// libpq, binary both ways, into a struct.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/postgres_server.h"
#include "shard/bench/raw_postgres.h"
#include "shard/bench/session_get.h"
#include "shard/dialects/schema.h"

namespace shard::bench {
namespace {

constexpr std::size_t kReads = 500;

class RawPostgresGet : public Side {
 public:
  explicit RawPostgresGet(std::unique_ptr<RawPostgres> raw)
      : raw_(std::move(raw)), keys_(ShuffledKeys(kStoredRows)) {}

  absl::Status Prepare() override {
    SHARD_RETURN_IF_ERROR(raw_->Run("BEGIN"));
    ItemRow row;
    return raw_->Get(keys_.back(), &row).status();
  }
  absl::Status Run() override {
    for (std::size_t i = 0; i < kReads; ++i) {
      ItemRow row;
      SHARD_ASSIGN_OR_RETURN(const bool found, raw_->Get(keys_[i], &row));
      if (!found) return Missing();
      benchmark::DoNotOptimize(row);
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override { return raw_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawPostgres> raw_;
  const std::vector<std::int64_t> keys_;
};

}  // namespace

std::vector<Case> PostgresGetCases() {
  const auto server = std::make_shared<LazyPostgresServer>();
  const Case read{
      .name = "get/postgres",
      .operations = kReads,
      .at_most = 1.1,
      .ours = [server]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(const std::string url, server->Url());
        SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, OpenEngine(url));
        SHARD_RETURN_IF_ERROR(DropAll(*engine, {&Item::table()}));
        SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
        auto resolver = OneDatabase(std::move(engine));
        SHARD_RETURN_IF_ERROR(Store(resolver, kStoredRows));
        return std::make_unique<SessionGet>(std::move(resolver), kReads);
      },
      .floor = [server]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(const std::string url, server->Url());
        SHARD_ASSIGN_OR_RETURN(auto raw, RawPostgres::Open(url));
        SHARD_RETURN_IF_ERROR(raw->PrepareGet("bench_items"));
        return std::make_unique<RawPostgresGet>(std::move(raw));
      }};
  return {read};
}

}  // namespace shard::bench
