#include "shard/dialects/connection_pool.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard {

ConnectionPool::ConnectionPool(Engine::Opener* opener,
                               const EngineOptions* options)
    : opener_(opener),
      options_(options),
      limit_(std::max<std::size_t>(
          1, opener->LimitPoolSize(options->pool_size))) {}

absl::StatusOr<ConnectionPool::Idle> ConnectionPool::TakeIdleOrPermit() {
  const auto deadline =
      absl::ToChronoTime(absl::Now() + options_->pool_timeout);
  std::unique_lock lock(mutex_);
  const bool available = returned_.wait_until(
      lock, deadline, [this] { return !idle_.empty() || open_ < limit_; });
  if (!available) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "all ", limit_, " connections of '", options_->name,
        "' are in use and none came back within ",
        absl::FormatDuration(options_->pool_timeout),
        "; raise EngineOptions::pool_size or close sessions sooner"));
  }
  if (idle_.empty()) {
    ++open_;
    return Idle{};
  }
  Idle taken = std::move(idle_.back());
  idle_.pop_back();
  return taken;
}

void ConnectionPool::GiveBackPermit() {
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  returned_.notify_one();
}

absl::StatusOr<PooledConnection> ConnectionPool::Borrow() {
  while (true) {
    SHARD_ASSIGN_OR_RETURN(Idle taken, TakeIdleOrPermit());
    if (taken.connection == nullptr) break;
    const bool fresh =
        absl::Now() - taken.since <= options_->health_check_after;
    if (fresh || taken.connection->Ping().ok()) {
      return PooledConnection(this, std::move(taken.connection));
    }
    taken.connection.reset();
    GiveBackPermit();  // and look for another, or open one
  }
  absl::StatusOr<std::unique_ptr<Connection>> opened = opener_->Open();
  if (!opened.ok()) {
    GiveBackPermit();
    return Annotate(opened.status(),
                    absl::StrCat("cannot connect to '", options_->name, "'"));
  }
  return PooledConnection(this, *std::move(opened));
}

void ConnectionPool::Return(std::unique_ptr<Connection> connection) {
  if (connection->usable() && connection->in_transaction()) {
    connection->Rollback().IgnoreError();  // shows in usable()
  }
  if (!connection->usable() || connection->in_transaction()) {
    connection.reset();
    GiveBackPermit();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back({std::move(connection), absl::Now()});
  }
  returned_.notify_one();
}

std::size_t ConnectionPool::open_connections() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace shard
