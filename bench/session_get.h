// The library's side of the comparisons of Get, on whatever the router leads
// to.
#ifndef SHARD_BENCH_SESSION_GET_H_
#define SHARD_BENCH_SESSION_GET_H_

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/bench/comparison.h"
#include "shard/bench/items.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {

inline constexpr std::size_t kStoredRows = 10'000;

inline absl::Status Missing() {
  return absl::NotFoundError("a row that was stored is not there");
}

// Each key is new to the session, whose transaction has begun and has read: one
// row, before the time runs. Nobody keeps the objects.
class SessionGet : public Side {
 public:
  SessionGet(std::shared_ptr<BindResolver> resolver, std::size_t reads)
      : resolver_(std::move(resolver)),
        keys_(ShuffledKeys(kStoredRows)),
        reads_(reads) {}

  absl::Status Prepare() override {
    session_.emplace(SessionOptions{.resolver = resolver_});
    return session_->Get<Item>(keys_.back()).status();
  }
  absl::Status Run() override {
    for (std::size_t i = 0; i < reads_; ++i) {
      const auto item = session_->Get<Item>(keys_[i]);
      if (!item.ok()) return item.status();
      if (*item == nullptr) return Missing();
      benchmark::DoNotOptimize(item->get());
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override {
    session_.reset();
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  const std::vector<std::int64_t> keys_;
  const std::size_t reads_;
  std::optional<ShardedSession> session_;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_SESSION_GET_H_
