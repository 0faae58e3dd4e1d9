// A router's decisions for objects, as a flush asks for them.
#ifndef SHARD_BENCH_DECISIONS_H_
#define SHARD_BENCH_DECISIONS_H_

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/bench/comparison.h"
#include "shard/bench/items.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/object_key_reader.h"

namespace shard::bench {

inline constexpr std::size_t kObjects = 1'000;
inline constexpr std::size_t kDecisions = 10'000;

// Decisions for objects by `quantity`, all by the same resolver.
class Decisions : public Side {
 public:
  explicit Decisions(std::shared_ptr<BindResolver> resolver)
      : resolver_(std::move(resolver)),
        objects_(MakeItems(MakeRows(kObjects))) {}

  absl::Status Run() override {
    for (std::size_t i = 0; i < kDecisions / kObjects; ++i) {
      for (const auto& object : objects_) {
        AttributeBase* attributes[kMostFields];
        Item::ClassMapping().Attributes(*object, attributes);
        ObjectKeyReader reader(*object, attributes);
        BindRequest request;
        request.class_info = &Item::class_info();
        request.object = &reader;
        request.operation = Operation::kFlush;
        const absl::StatusOr<Bind> bind = resolver_->Resolve(request);
        if (!bind.ok()) return bind.status();
        benchmark::DoNotOptimize(bind->engine);
      }
    }
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  const std::vector<std::shared_ptr<Item>> objects_;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_DECISIONS_H_
