#include "shard/session/joined_transaction.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

// The innermost of this name counts, so it may be in use outside.
constexpr char kSavepoint[] = "shard_joined";

JoinTransactionMode Resolve(JoinTransactionMode mode, bool in_savepoint) {
  if (mode != JoinTransactionMode::kConditionalSavepoint) return mode;
  return in_savepoint ? JoinTransactionMode::kCreateSavepoint
                      : JoinTransactionMode::kRollbackOnly;
}

bool IsKnown(JoinTransactionMode mode) {
  switch (mode) {
    case JoinTransactionMode::kConditionalSavepoint:
    case JoinTransactionMode::kRollbackOnly:
    case JoinTransactionMode::kControlFully:
    case JoinTransactionMode::kCreateSavepoint:
      return true;
  }
  return false;
}

}  // namespace

JoinedTransaction::JoinedTransaction(Connection* connection,
                                     OnStatement listener)
    : connection_(*connection), listens_(listener != nullptr) {
  if (!listens_) return;
  former_listener_ = connection_.listeners().SetBorrower(std::move(listener));
}

JoinedTransaction::~JoinedTransaction() {
  RollBack();
  if (listens_) {
    connection_.listeners().SetBorrower(std::move(former_listener_));
  }
}

absl::StatusOr<std::unique_ptr<JoinedTransaction>> JoinedTransaction::Enter(
    const JoinedConnection& joined, const TransactionOptions& how,
    OnStatement listener) {
  if (!IsKnown(joined.mode)) {
    return absl::InvalidArgumentError(
        "SessionOptions::joined has a mode that is no JoinTransactionMode");
  }
  if (!joined.connection->usable()) {
    return absl::UnavailableError(
        "the connection that the session has joined is lost");
  }
  std::unique_ptr<JoinedTransaction> entered(
      new JoinedTransaction(joined.connection, std::move(listener)));
  SHARD_RETURN_IF_ERROR(entered->Begin(joined.mode, how));
  entered->over_ = false;
  return entered;
}

absl::Status JoinedTransaction::Begin(JoinTransactionMode mode,
                                      const TransactionOptions& how) {
  if (!connection_.in_transaction()) return connection_.Begin(how);
  if (how != TransactionOptions()) {
    return absl::FailedPreconditionError(
        "the session has joined a transaction that is open already, so Begin "
        "cannot say how it is to be; begin it with these options");
  }
  const std::size_t savepoints = connection_.savepoints().size();
  mode = Resolve(mode, savepoints > 0);
  if (mode == JoinTransactionMode::kCreateSavepoint) {
    part_ = Part::kSavepoint;
    around_ = kept_ = savepoints;
    return connection_.Savepoint(kSavepoint);
  }
  may_commit_ = mode == JoinTransactionMode::kControlFully;
  if (savepoints > 0) {
    part_ = Part::kSavepoint;
    around_ = savepoints - 1;
  }
  kept_ = may_commit_ ? around_ : savepoints;
  return absl::OkStatus();
}

// One by one: the same name may be in use outside, too.
absl::Status JoinedTransaction::ReleaseDownTo(std::size_t savepoints) {
  while (connection_.savepoints().size() > savepoints) {
    SHARD_RETURN_IF_ERROR(
        connection_.Release(std::string(connection_.savepoints().back())));
  }
  return absl::OkStatus();
}

absl::Status JoinedTransaction::Commit() {
  SHARD_RETURN_IF_ERROR(may_commit_ && part_ == Part::kTransaction
                            ? connection_.Commit()
                            : ReleaseDownTo(kept_));
  over_ = true;
  return absl::OkStatus();
}

void JoinedTransaction::RollBack() {
  if (std::exchange(over_, true)) return;
  if (!connection_.usable() || !connection_.in_transaction()) return;
  absl::Status undone;
  while (part_ == Part::kSavepoint && undone.ok() &&
         connection_.savepoints().size() > around_) {
    const std::string name = connection_.savepoints().back();
    undone = connection_.RollbackTo(name);
    if (undone.ok()) undone = connection_.Release(name);
  }
  if (part_ == Part::kTransaction || !undone.ok()) {
    connection_.Rollback().IgnoreError();
  }
}

bool JoinedTransaction::Leave() {
  const bool stays = !may_commit_ && !over_ && connection_.in_transaction() &&
                     ReleaseDownTo(kept_).ok();
  if (stays) over_ = true;
  RollBack();
  return stays;
}

}  // namespace shard
