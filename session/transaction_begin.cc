// How a Transaction begins, as a whole and on each database.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"
#include "shard/session/transaction.h"

namespace shard {

absl::Status Transaction::Begin(const TransactionOptions& options) {
  SHARD_RETURN_IF_ERROR(CheckNotPrepared());
  if (begun()) {
    return absl::FailedPreconditionError(
        "a transaction has begun already, and its options stand; Commit or "
        "Rollback first");
  }
  SHARD_RETURN_IF_ERROR(CheckTransactionOptions(options, Now()));
  how_ = options;
  begun_ = true;
  return absl::OkStatus();
}

bool Transaction::begun() const {
  return begun_ ||
         std::any_of(branches_.begin(), branches_.end(),
                     [](const auto& branch) { return branch->open(); });
}

absl::Status Transaction::CheckBegun() const {
  if (begun_ || options_.autobegin) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "no transaction has begun, and SessionOptions::autobegin is off; call "
      "Begin() first");
}

absl::Status Transaction::Autobegin() {
  SHARD_RETURN_IF_ERROR(CheckBegun());
  begun_ = true;
  return absl::OkStatus();
}

absl::Status Transaction::CheckNotReadOnly() const {
  if (!how_.read_only) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the transaction was begun read-only, and there is something to write; "
      "Rollback, and Begin without read_only");
}

absl::Status Transaction::CheckInTime() const {
  if (shares_.empty() || Now() < how_.deadline) return absl::OkStatus();
  return absl::DeadlineExceededError(
      "the transaction's deadline is over, and nothing was committed; call "
      "Rollback()");
}

void Transaction::LiftTimeLimits() {
  if (how_ == TransactionOptions()) return;
  for (const auto& share : shares_) {
    if (share->open()) share->connection().LiftTimeLimits();
  }
}

absl::StatusOr<Share*> Transaction::PlanShare(const Bind& bind) {
  SHARD_RETURN_IF_ERROR(CheckBegun());
  SHARD_RETURN_IF_ERROR(CheckNotPrepared());
  if (bind.engine == nullptr) {
    return absl::InternalError(
        "the bind resolver answered with no engine; return a Bind with one");
  }
  for (const auto& share : shares_) {
    if (share->bind() == bind) return share.get();
  }
  shares_.push_back(std::make_unique<Share>(bind, &BranchOn(*bind.engine)));
  return shares_.back().get();
}

Branch& Transaction::BranchOn(Engine& engine) {
  for (const auto& branch : branches_) {
    if (&branch->engine() == &engine) return *branch;
  }
  return *branches_.emplace_back(std::make_unique<Branch>(&engine));
}

absl::StatusOr<Share*> Transaction::ShareFor(const Bind& bind) {
  SHARD_ASSIGN_OR_RETURN(Share * share, PlanShare(bind));
  if (!share->open()) SHARD_RETURN_IF_ERROR(OpenOne(share->branch()));
  return share;
}

absl::Status Transaction::Open(std::vector<Share*> shares) {
  std::erase_if(shares, [](const Share* share) { return share->open(); });
  std::sort(shares.begin(), shares.end(), [](const Share* a, const Share* b) {
    return a->bind().engine->name() < b->bind().engine->name();
  });
  for (Share* share : shares) {
    if (share->open()) continue;  // by another in the same database
    SHARD_RETURN_IF_ERROR(OpenOne(share->branch()));
  }
  return absl::OkStatus();
}

absl::Status Transaction::OpenOne(Branch& branch) {
  if (!options_.joined.empty()) {
    SHARD_ASSIGN_OR_RETURN(const JoinedConnection* joined, JoinedFor(branch));
    if (joined != nullptr) return OpenJoined(branch, *joined);
  }
  absl::StatusOr<PooledConnection> connection = branch.engine().Connect();
  if (!connection.ok()) {
    // (Without a shard's name the error has the engine's already.)
    return branch.is_one_shard() ? branch.Refused(connection.status())
                                 : connection.status();
  }
  Connection& opened = **connection;
  opened.listeners().SetBorrower(ListenerFor(branch));
  TransactionOptions how = how_;
  how.may_follow =
      InTopology(branch) && options_.topology->database_count() > 1;
  if (absl::Status begun = opened.Begin(how); !begun.ok()) {
    return branch.Refused(begun);
  }
  SHARD_RETURN_IF_ERROR(MakeSavepoints(branch, opened));
  branch.Open(*std::move(connection));
  branch.set_depth(depth_);
  return LimitLockWaits(branch);
}

// Null when nobody listens.
OnStatement Transaction::ListenerFor(const Branch& branch) const {
  if (options_.listeners.empty()) return nullptr;
  // (The branch outlives the loan of its connection.)
  return
      [&branch, listeners = options_.listeners](const StatementEvent& event) {
        for (const auto& listener : listeners) {
          listener->OnStatement(branch.speaker(), event);
        }
      };
}

// For the nested ones that the transaction stands in.
absl::Status Transaction::MakeSavepoints(const Branch& branch,
                                         Connection& connection) const {
  for (std::size_t depth = 1; depth <= depth_; ++depth) {
    const absl::Status made = connection.Savepoint(SavepointName(depth));
    if (!made.ok()) return branch.Refused(made);
  }
  return absl::OkStatus();
}

// Null: the session is to have a connection of its own there.
absl::StatusOr<const JoinedConnection*> Transaction::JoinedFor(
    const Branch& branch) const {
  const JoinedConnection* found = nullptr;
  for (const JoinedConnection& joined : options_.joined) {
    if (joined.connection == nullptr || joined.engine == nullptr) {
      return absl::InvalidArgumentError(
          "SessionOptions::joined has an entry without engine or connection");
    }
    if (joined.engine != &branch.engine()) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "SessionOptions::joined has two connections for engine '",
          joined.engine->name(), "', and a transaction is on one"));
    }
    found = &joined;
  }
  return found;
}

absl::Status Transaction::OpenJoined(Branch& branch,
                                     const JoinedConnection& joined) {
  if (options_.two_phase) {
    return branch.Refused(absl::FailedPreconditionError(
        "a session with two_phase cannot join a connection, whose transaction "
        "is not its own to prepare; turn SessionOptions::two_phase off"));
  }
  if (&joined.connection->dialect() != &branch.engine().dialect()) {
    return branch.Refused(absl::InvalidArgumentError(
        "the connection to join is not one of this engine's; it speaks another "
        "dialect"));
  }
  auto entered = JoinedTransaction::Enter(joined, how_, ListenerFor(branch));
  if (!entered.ok()) return branch.Refused(entered.status());
  SHARD_RETURN_IF_ERROR(MakeSavepoints(branch, *joined.connection));
  (*entered)->NestedBegun();
  branch.Open(*std::move(entered));
  branch.set_depth(depth_);
  return absl::OkStatus();  // how long it waits for locks is its owner's choice
}

// A deadlock over two databases is seen by neither.
absl::Status Transaction::LimitLockWaits(const Branch& branch) {
  const bool has_limit = how_.lock_timeout != absl::InfiniteDuration();
  if (has_limit || options_.lock_timeout <= absl::ZeroDuration()) {
    return absl::OkStatus();
  }
  std::vector<Branch*> open;
  for (const auto& other : branches_) {
    if (other->open() && other->joined() == nullptr) {
      open.push_back(other.get());
    }
  }
  if (open.size() < 2) return absl::OkStatus();
  for (Branch* each : open) {
    if (open.size() > 2 && each != &branch) continue;  // has its limit already
    SHARD_RETURN_IF_ERROR(
        each->connection().LimitLockWaits(options_.lock_timeout));
  }
  return absl::OkStatus();
}

}  // namespace shard
