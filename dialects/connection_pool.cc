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
      limit_(
          std::max<std::size_t>(1, opener->LimitPoolSize(options->pool_size))),
      private_(opener->LimitPoolSize(2) < 2) {}

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
  taken.passed = Passed(*taken.connection);
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
  absl::StatusOr<std::unique_ptr<Connection>> found = Find();
  NoteReached(found.status());
  if (!found.ok()) return found.status();
  in_use_.fetch_add(1, std::memory_order_relaxed);
  return PooledConnection(this, *std::move(found));
}

absl::StatusOr<std::unique_ptr<Connection>> ConnectionPool::Find() {
  while (true) {
    SHARD_ASSIGN_OR_RETURN(Idle taken, TakeIdleOrPermit());
    if (taken.connection == nullptr) return OpenForPool();
    const bool fresh =
        absl::Now() - taken.since <= options_->health_check_after;
    if (taken.connection->HasHungUp() ||
        (!fresh && !taken.connection->Ping().ok())) {
      Drop(std::move(taken.connection));
      continue;  // look for another, or open one
    }
    if (!fresh || !taken.passed) {
      const absl::Status status = Look(*taken.connection, true);
      const bool lost = !taken.connection->usable();
      if (!status.ok() && private_ && !lost) {
        // Its data must not be lost, but it must be looked at again.
        Forget(*taken.connection);
        TakeBack(std::move(taken.connection));
        return status;
      }
      if (!status.ok()) {
        Drop(std::move(taken.connection));
        if (lost) continue;
        return status;
      }
    }
    return std::move(taken.connection);
  }
}

void ConnectionPool::NoteReached(const absl::Status& status) {
  if (absl::IsUnavailable(status)) {
    unreachable_at_ = absl::ToUnixNanos(absl::Now());
  } else if (status.ok() && unreachable_at_ != 0) {
    unreachable_at_ = 0;
  }
}

absl::Time ConnectionPool::unreachable_at() const {
  const std::int64_t at = unreachable_at_;
  return at == 0 ? absl::InfinitePast() : absl::FromUnixNanos(at);
}

absl::StatusOr<std::unique_ptr<Connection>> ConnectionPool::Open(
    absl::Time until) {
  absl::StatusOr<std::unique_ptr<Connection>> opened =
      until == absl::InfiniteFuture() ? opener_->Open()
                                      : opener_->OpenBefore(until);
  if (opened.ok()) return opened;
  return Annotate(opened.status(),
                  absl::StrCat("cannot connect to '", options_->name, "'"));
}

absl::StatusOr<std::unique_ptr<Connection>> ConnectionPool::OpenForPool() {
  absl::StatusOr<std::unique_ptr<Connection>> opened = Open();
  if (!opened.ok()) {
    GiveBackPermit();
    return opened.status();
  }
  const absl::Status status = Look(**opened, true);
  if (!status.ok()) {
    Drop(*std::move(opened));
    return status;
  }
  return opened;
}

absl::StatusOr<std::unique_ptr<Connection>> ConnectionPool::OpenOutside(
    absl::Time until) {
  if (private_) {
    return absl::UnimplementedError(absl::StrCat(
        "the database of '", options_->name,
        "' lives in its one connection; a second connection would open "
        "another database. Use Connect"));
  }
  SHARD_ASSIGN_OR_RETURN(std::unique_ptr<Connection> opened, Open(until));
  opened->set_deadline(until);
  SHARD_RETURN_IF_ERROR(Look(*opened, false));
  opened->set_deadline(absl::InfiniteFuture());
  NoteReached(absl::OkStatus());
  return opened;
}

absl::Status ConnectionPool::Look(Connection& connection, bool pooled) {
  std::unique_lock lock(mutex_);
  std::shared_ptr<Check> passed;
  while (check_ != nullptr && check_ != passed) {
    const std::shared_ptr<Check> check = check_;
    ++check->running;
    lock.unlock();
    const absl::Status status = check->look(connection);
    lock.lock();
    if (--check->running == 0) looked_.notify_all();
    if (!status.ok()) {
      return Annotate(status,
                      absl::StrCat("cannot connect to '", options_->name, "'"));
    }
    passed = check;
  }
  if (pooled && check_ != nullptr) passed_.insert(&connection);
  return absl::OkStatus();
}

bool ConnectionPool::Passed(const Connection& connection) const {
  return check_ == nullptr || passed_.contains(&connection);
}

void ConnectionPool::Forget(const Connection& connection) {
  const std::lock_guard lock(mutex_);
  passed_.erase(&connection);
}

void ConnectionPool::Return(std::unique_ptr<Connection> connection) {
  in_use_.fetch_sub(1, std::memory_order_relaxed);
  TakeBack(std::move(connection));
}

void ConnectionPool::TakeBack(std::unique_ptr<Connection> connection) {
  if (connection->usable() && connection->in_transaction()) {
    connection->Rollback().IgnoreError();  // shows in usable()
  }
  connection->listeners().SetBorrower(nullptr);
  if (!connection->usable() || connection->in_transaction()) {
    Drop(std::move(connection));
  } else {
    PutBack(std::move(connection));
  }
}

void ConnectionPool::PutBack(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    if (private_ || Passed(*connection)) {
      idle_.push_back({std::move(connection), absl::Now()});
    }
  }
  if (connection != nullptr) {
    Drop(std::move(connection));
  } else {
    returned_.notify_one();
  }
}

void ConnectionPool::Drop(std::unique_ptr<Connection> connection) {
  Forget(*connection);
  connection.reset();
  GiveBackPermit();
}

absl::Status ConnectionPool::SetCheck(const void* owner,
                                      Engine::ConnectCheck look,
                                      Engine::WriteCheck may_write) {
  std::vector<Idle> unchecked;
  {
    std::unique_lock lock(mutex_);
    if (check_ != nullptr && check_->owner != owner) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the connections of '", options_->name,
          "' are looked at on behalf of somebody else already; open an engine "
          "of your own"));
    }
    const std::shared_ptr<Check> replaced = std::exchange(
        check_, std::make_shared<Check>(
                    Check{owner, std::move(look), std::move(may_write)}));
    passed_.clear();
    if (!private_) unchecked.swap(idle_);
    if (replaced != nullptr) WaitUntilNobodyRuns(*replaced, lock);
  }
  for (Idle& idle : unchecked) Drop(std::move(idle.connection));
  return absl::OkStatus();
}

void ConnectionPool::RemoveCheck(const void* owner) {
  std::unique_lock lock(mutex_);
  if (check_ == nullptr || check_->owner != owner) return;
  const std::shared_ptr<Check> removed = std::exchange(check_, nullptr);
  passed_.clear();
  WaitUntilNobodyRuns(*removed, lock);
}

absl::Status ConnectionPool::CheckMayWrite() const {
  std::shared_ptr<Check> check;
  {
    const std::lock_guard lock(mutex_);
    check = check_;
  }
  if (check == nullptr || !check->may_write) return absl::OkStatus();
  return check->may_write();
}

void ConnectionPool::WaitUntilNobodyRuns(const Check& check,
                                         std::unique_lock<std::mutex>& lock) {
  looked_.wait(lock, [&check] { return check.running == 0; });
}

std::size_t ConnectionPool::open_connections() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace shard
