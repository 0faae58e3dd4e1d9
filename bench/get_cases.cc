// Get by primary key: from the database, and from the identity map.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_get.h"
#include "shard/bench/session_get.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kReads = 5'000;
constexpr std::size_t kHeldObjects = 1'000;
constexpr std::size_t kHits = 10'000;

// Finds objects that the session holds, kHeldObjects of them over and over.
class IdentityMapHit : public Side {
 public:
  explicit IdentityMapHit(std::shared_ptr<BindResolver> resolver)
      : session_(SessionOptions{.resolver = std::move(resolver)}),
        keys_(ShuffledKeys(kHeldObjects)) {}

  absl::Status Load() {
    for (const std::int64_t key : keys_) {
      SHARD_ASSIGN_OR_RETURN(held_.emplace_back(), session_.Get<Item>(key));
      if (held_.back() == nullptr) return Missing();
    }
    return absl::OkStatus();
  }
  absl::Status Run() override {
    for (std::size_t i = 0; i < kHits / kHeldObjects; ++i) {
      for (const std::int64_t key : keys_) {
        const auto item = session_.Get<Item>(key);
        if (!item.ok()) return item.status();
        benchmark::DoNotOptimize(item->get());
      }
    }
    return absl::OkStatus();
  }

 private:
  ShardedSession session_;
  const std::vector<std::int64_t> keys_;
  std::vector<std::shared_ptr<Item>> held_;
};

absl::StatusOr<std::unique_ptr<Side>> MakeHit(
    std::shared_ptr<BindResolver> resolver) {
  SHARD_RETURN_IF_ERROR(Store(resolver, kHeldObjects));
  auto side = std::make_unique<IdentityMapHit>(std::move(resolver));
  SHARD_RETURN_IF_ERROR(side->Load());
  return side;
}

}  // namespace

std::vector<Case> GetCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const Case read{
      .name = "get/sqlite",
      .operations = kReads,
      .at_most = 1.3,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver,
                               StoredIn(folder->PathOf("get.db"), kStoredRows));
        return std::make_unique<SessionGet>(std::move(resolver), kReads);
      },
      .floor = [folder] { return MakeRawGet(*folder, kReads); }};
  const Case plain{.name = "identity_map_hit/plain",
                   .operations = kHits,
                   .at_most = 60,
                   .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
                     SHARD_ASSIGN_OR_RETURN(
                         auto engine, MakeSqlite(folder->PathOf("hit.db")));
                     return MakeHit(OneDatabase(std::move(engine)));
                   },
                   .floor = nullptr};
  const Case sharded{
      .name = "identity_map_hit/sharded",
      .operations = kHits,
      .at_most = 120,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver,
                               HashedBy(*folder, Item::c.id.column()));
        return MakeHit(std::move(resolver));
      },
      .floor = nullptr};
  return {read, plain, sharded};
}

}  // namespace shard::bench
