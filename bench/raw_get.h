// Get by hand, on a SQLite file: the floor of the comparisons of Get.
#ifndef SHARD_BENCH_RAW_GET_H_
#define SHARD_BENCH_RAW_GET_H_

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/comparison.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_sqlite.h"
#include "shard/bench/session_get.h"

namespace shard::bench {

// A prepared SELECT; each row into a struct of its own.
class RawGet : public Side {
 public:
  RawGet(std::unique_ptr<RawSqlite> file, std::size_t reads)
      : file_(std::move(file)),
        keys_(ShuffledKeys(kStoredRows)),
        reads_(reads) {}

  absl::Status Prepare() override {
    SHARD_RETURN_IF_ERROR(file_->Run("BEGIN"));
    ItemRow row;
    return file_->Get(keys_.back(), &row) ? absl::OkStatus() : Missing();
  }
  absl::Status Run() override {
    for (std::size_t i = 0; i < reads_; ++i) {
      ItemRow row;
      if (!file_->Get(keys_[i], &row)) return Missing();
      benchmark::DoNotOptimize(row);
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override { return file_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawSqlite> file_;
  const std::vector<std::int64_t> keys_;
  const std::size_t reads_;
};

inline absl::StatusOr<std::unique_ptr<Side>> MakeRawGet(
    const TemporaryFolder& folder, std::size_t reads) {
  SHARD_ASSIGN_OR_RETURN(
      auto file,
      RawSqlite::MakeStored(folder.PathOf("raw_get.db"), kStoredRows));
  return std::make_unique<RawGet>(std::move(file), reads);
}

}  // namespace shard::bench

#endif  // SHARD_BENCH_RAW_GET_H_
