#include "shard/dialects/engine.h"

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection_pool.h"
#include "shard/dialects/registry.h"
#include "shard/dialects/url.h"

namespace shard {

PooledConnection::PooledConnection(PooledConnection&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      connection_(std::move(other.connection_)) {}

PooledConnection& PooledConnection::operator=(
    PooledConnection&& other) noexcept {
  if (this != &other) {
    Return();
    pool_ = std::exchange(other.pool_, nullptr);
    connection_ = std::move(other.connection_);
  }
  return *this;
}

void PooledConnection::Return() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_));
}

Engine::Engine(std::unique_ptr<Opener> opener, EngineOptions options)
    : options_(std::move(options)),
      opener_(std::move(opener)),
      pool_(std::make_unique<ConnectionPool>(opener_.get(), &options_)) {}

Engine::~Engine() = default;

absl::StatusOr<PooledConnection> Engine::Connect() { return pool_->Borrow(); }

bool Engine::is_private() const { return pool_->is_private(); }

absl::StatusOr<std::unique_ptr<Connection>> Engine::OpenConnection(
    absl::Time until) {
  return pool_->OpenOutside(until);
}

absl::Status Engine::SetConnectCheck(const void* owner, ConnectCheck check,
                                     WriteCheck may_write) {
  return pool_->SetCheck(owner, std::move(check), std::move(may_write));
}

absl::Status Engine::CheckMayWrite() const { return pool_->CheckMayWrite(); }

void Engine::RemoveConnectCheck(const void* owner) {
  pool_->RemoveCheck(owner);
}

std::size_t Engine::open_connections() const {
  return pool_->open_connections();
}

std::size_t Engine::connections_in_use() const { return pool_->in_use(); }

absl::Time Engine::unreachable_at() const { return pool_->unreachable_at(); }

absl::StatusOr<std::shared_ptr<Engine>> OpenEngine(std::string_view text,
                                                   EngineOptions options) {
  SHARD_ASSIGN_OR_RETURN(const Url url, Url::Parse(text));
  SHARD_ASSIGN_OR_RETURN(const OpenerFactory factory, FindDialect(url.scheme));
  if (options.name.empty()) options.name = url.Redacted();
  SHARD_ASSIGN_OR_RETURN(std::unique_ptr<Engine::Opener> opener,
                         factory(url, options));
  return std::make_shared<Engine>(std::move(opener), std::move(options));
}

}  // namespace shard
