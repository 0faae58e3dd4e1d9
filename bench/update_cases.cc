// One column of all loaded objects is changed, and flushed; on the other side a
// prepared one-row UPDATE in a loop. Timed like flushes: from BEGIN to before
// COMMIT, and rolled back.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_sqlite.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kRows = 100'000;

class SessionUpdate : public Side {
 public:
  explicit SessionUpdate(std::shared_ptr<BindResolver> resolver)
      : resolver_(std::move(resolver)) {}

  absl::Status Prepare() override {
    session_.emplace(SessionOptions{.resolver = resolver_, .two_phase = false});
    SHARD_ASSIGN_OR_RETURN(items_, session_->Scalars(Select<Item>()));
    return items_.size() == kRows ? session_->Commit().status()
                                  : absl::InternalError("rows are missing");
  }
  absl::Status Run() override {
    ++quantity_;
    for (const auto& item : items_) item->quantity = quantity_;
    return session_->Flush();
  }
  absl::Status CleanUp() override {
    session_.reset();
    items_.clear();
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  std::optional<ShardedSession> session_;
  std::vector<std::shared_ptr<Item>> items_;
  std::int64_t quantity_ = 1'000'000;
};

class RawUpdate : public Side {
 public:
  explicit RawUpdate(std::unique_ptr<RawSqlite> file)
      : file_(std::move(file)) {}

  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(file_->Run("BEGIN"));
    ++quantity_;
    for (std::size_t i = 1; i <= kRows; ++i) {
      if (!file_->Update(static_cast<std::int64_t>(i), quantity_)) {
        return file_->Error();
      }
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override { return file_->Run("ROLLBACK"); }

 private:
  const std::unique_ptr<RawSqlite> file_;
  std::int64_t quantity_ = 1'000'000;
};

}  // namespace

std::vector<Case> UpdateCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const Case sqlite{
      .name = "update_100000/sqlite",
      .operations = kRows,
      .at_most = 0.95,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(auto resolver,
                               StoredIn(folder->PathOf("update.db"), kRows));
        return std::make_unique<SessionUpdate>(std::move(resolver));
      },
      .floor = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(
            auto file,
            RawSqlite::MakeStored(folder->PathOf("raw_update.db"), kRows));
        return std::make_unique<RawUpdate>(std::move(file));
      }};
  return {sqlite};
}

}  // namespace shard::bench
