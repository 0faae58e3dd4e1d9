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

}  // namespace

absl::StatusOr<std::unique_ptr<JoinedTransaction>> JoinedTransaction::Enter(
    const JoinedConnection& joined, const TransactionOptions& how) {
  Connection& connection = *joined.connection;
  if (!connection.usable()) {
    return absl::UnavailableError(
        "the connection that the session has joined is lost");
  }
  const auto make = [&](Part part, bool may_commit, std::size_t around) {
    return std::unique_ptr<JoinedTransaction>(
        new JoinedTransaction(&connection, part, may_commit, around));
  };
  if (!connection.in_transaction()) {
    SHARD_RETURN_IF_ERROR(connection.Begin(how));
    return make(Part::kTransaction, true, 0);
  }
  if (how != TransactionOptions()) {
    return absl::FailedPreconditionError(
        "the session has joined a transaction that is open already, so Begin "
        "cannot say how it is to be; begin it with these options");
  }
  const std::size_t around = connection.savepoints().size();
  const auto join = [&](bool may_commit) {
    return around == 0 ? make(Part::kTransaction, may_commit, 0)
                       : make(Part::kSavepoint, may_commit, around - 1);
  };
  switch (Resolve(joined.mode, around > 0)) {
    case JoinTransactionMode::kConditionalSavepoint:
    case JoinTransactionMode::kCreateSavepoint:
      SHARD_RETURN_IF_ERROR(connection.Savepoint(kSavepoint));
      return make(Part::kSavepoint, true, around);
    case JoinTransactionMode::kControlFully:
      return join(true);
    case JoinTransactionMode::kRollbackOnly:
      return join(false);
  }
  return absl::InvalidArgumentError("there is no such JoinTransactionMode");
}

absl::Status JoinedTransaction::Commit() {
  if (may_commit_ && part_ == Part::kTransaction) {
    SHARD_RETURN_IF_ERROR(connection_.Commit());
  } else if (may_commit_) {
    // One by one: the same name may be in use outside, too.
    while (connection_.savepoints().size() > around_) {
      SHARD_RETURN_IF_ERROR(
          connection_.Release(std::string(connection_.savepoints().back())));
    }
  }
  over_ = true;
  return absl::OkStatus();
}

void JoinedTransaction::RollBack() {
  if (std::exchange(over_, true)) return;
  if (!connection_.usable() || !connection_.in_transaction()) return;
  if (part_ == Part::kTransaction) {
    connection_.Rollback().IgnoreError();
    return;
  }
  while (connection_.savepoints().size() > around_) {
    const std::string name = connection_.savepoints().back();
    absl::Status status = connection_.RollbackTo(name);
    if (status.ok()) status = connection_.Release(name);
    if (!status.ok()) return;
  }
}

bool JoinedTransaction::Leave() {
  const bool stays = !may_commit_ && !over_ && connection_.in_transaction();
  if (!may_commit_) over_ = true;
  RollBack();
  return stays;
}

}  // namespace shard
