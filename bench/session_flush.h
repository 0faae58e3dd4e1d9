// The library's side of the flush comparisons, on whatever the router leads to.
#ifndef SHARD_BENCH_SESSION_FLUSH_H_
#define SHARD_BENCH_SESSION_FLUSH_H_

#include <cstddef>
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

// Add and Flush of new objects, as many as there are rows, in a new session.
// The time runs from BEGIN to before COMMIT, on both sides: a COMMIT waits for
// the disk, which is the same for both and would hide what differs. The rows
// are rolled back, so that every run meets an empty table.
class SessionFlush : public Side {
 public:
  SessionFlush(std::shared_ptr<BindResolver> resolver, std::size_t rows)
      : resolver_(std::move(resolver)), rows_(MakeRows(rows)) {}

  absl::Status Prepare() override {
    session_.emplace(SessionOptions{.resolver = resolver_, .two_phase = false});
    items_ = MakeItems(rows_);
    return absl::OkStatus();
  }
  absl::Status Run() override {
    for (const auto& item : items_) {
      SHARD_RETURN_IF_ERROR(session_->Add(item));
    }
    return session_->Flush();
  }
  absl::Status CleanUp() override {
    const bool has_keys =
        items_.front()->id.value() > 0 && items_.back()->id.value() > 0;
    session_.reset();
    items_.clear();
    return has_keys ? absl::OkStatus()
                    : absl::InternalError("the objects have no keys");
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  const std::vector<ItemRow> rows_;
  std::optional<ShardedSession> session_;
  std::vector<std::shared_ptr<Item>> items_;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_SESSION_FLUSH_H_
