// A router's decision for an object, as a flush asks for it.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/session/object_key_reader.h"

namespace shard::bench {
namespace {

constexpr std::size_t kObjects = 1'000;
constexpr std::size_t kDecisions = 10'000;

class HashDecision : public Side {
 public:
  explicit HashDecision(std::shared_ptr<BindResolver> resolver)
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

}  // namespace

std::vector<Case> RouterCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const Case hash{.name = "router_decision/hash",
                  .operations = kDecisions,
                  .at_most = 100,
                  .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
                    SHARD_ASSIGN_OR_RETURN(
                        auto resolver,
                        HashedBy(*folder, Item::c.quantity.column()));
                    return std::make_unique<HashDecision>(std::move(resolver));
                  },
                  .floor = nullptr};
  return {hash};
}

}  // namespace shard::bench
