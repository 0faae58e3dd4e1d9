#include "shard/session/joined_transaction.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

absl::Status Undone() {
  return absl::AbortedError(
      "another session that has joined the same transaction has rolled back "
      "what this one has done in it, or stands in; call Rollback(), and try "
      "again");
}

}  // namespace

JoinedTransaction::JoinedTransaction(Connection* connection,
                                     OnStatement listener)
    : connection_(*connection) {
  guest_.listener = std::move(listener);
  // They may have ended savepoints of their own since.
  for (TransactionGuest* guest : connection_.guests()) {
    guest->wrote_in =
        std::min(guest->wrote_in, connection_.savepoints().size());
  }
  connection_.guests().push_back(&guest_);
  connection_.listeners().SetGuest(&guest_.listener);
}

JoinedTransaction::~JoinedTransaction() {
  RollBack();
  std::vector<TransactionGuest*>& guests = connection_.guests();
  std::erase(guests, &guest_);
  connection_.listeners().SetGuest(guests.empty() ? nullptr
                                                  : &guests.back()->listener);
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
  entered->guest_.inside = joined.connection->savepoints().size();
  entered->guest_.reaches = entered->guest_.inside;
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

bool JoinedTransaction::EndsTransaction() const {
  return may_commit_ && part_ == Part::kTransaction;
}

// Those that are gone stand in nothing any more.
template <class F>
bool JoinedTransaction::AnyOther(F&& is) const {
  const auto& guests = connection_.guests();
  return std::any_of(guests.begin(), guests.end(), [&](const auto* guest) {
    return guest != &guest_ && !guest->gone && is(*guest);
  });
}

bool JoinedTransaction::AnotherStandsAbove(std::size_t savepoints) const {
  return AnyOther([savepoints](const TransactionGuest& guest) {
    return guest.reaches > savepoints;
  });
}

void JoinedTransaction::NoteRolledBack(bool all, std::size_t savepoints) {
  for (TransactionGuest* guest : connection_.guests()) {
    if (guest == &guest_) continue;
    guest->gone = guest->gone || all || guest->inside > savepoints;
    guest->undone = guest->undone || guest->gone ||
                    guest->wrote_in > savepoints || guest->reaches > savepoints;
  }
}

absl::Status JoinedTransaction::Resume(bool writes) {
  if (guest_.undone) return Undone();
  connection_.listeners().SetGuest(&guest_.listener);
  if (writes) {
    guest_.wrote_in =
        std::max(guest_.wrote_in, connection_.savepoints().size());
  }
  return absl::OkStatus();
}

absl::Status JoinedTransaction::CheckMayCommit() const {
  if (guest_.undone) return Undone();
  const bool ends_it_for_others =
      EndsTransaction() ? AnyOther([](const auto&) { return true; })
                        : AnotherStandsAbove(kept_);
  if (!ends_it_for_others) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "another session has joined what this Commit would end, and is still in "
      "it; commit, roll back or close that one first");
}

absl::Status JoinedTransaction::Commit() {
  SHARD_RETURN_IF_ERROR(CheckMayCommit());
  connection_.listeners().SetGuest(&guest_.listener);
  SHARD_RETURN_IF_ERROR(EndsTransaction() ? connection_.Commit()
                                          : ReleaseDownTo(kept_));
  over_ = true;
  // What others wrote in savepoints that are released is now part of the rest.
  for (TransactionGuest* guest : connection_.guests()) {
    guest->wrote_in = std::min(guest->wrote_in, kept_);
  }
  return absl::OkStatus();
}

void JoinedTransaction::NestedBegun() {
  guest_.reaches = connection_.savepoints().size();
}

absl::Status JoinedTransaction::CheckMayEndNested(bool rolls_back) const {
  if (guest_.undone) return Undone();
  const std::size_t around = guest_.reaches - (rolls_back ? 0 : 1);
  if (!AnotherStandsAbove(around)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "another session has joined the nested transaction that is to end, and "
      "is still in it; commit, roll back or close that one first");
}

void JoinedTransaction::NestedEnded(bool rolled_back) {
  const std::size_t savepoints = connection_.savepoints().size();
  guest_.reaches = savepoints;
  if (rolled_back) NoteRolledBack(false, savepoints);
  for (TransactionGuest* guest : connection_.guests()) {
    guest->wrote_in = std::min(guest->wrote_in, savepoints);
  }
}

void JoinedTransaction::RollBack() {
  if (std::exchange(over_, true) || guest_.gone) return;
  if (!connection_.usable() || !connection_.in_transaction()) return;
  connection_.listeners().SetGuest(&guest_.listener);
  absl::Status undone;
  while (part_ == Part::kSavepoint && undone.ok() &&
         connection_.savepoints().size() > around_) {
    const std::string name = connection_.savepoints().back();
    undone = connection_.RollbackTo(name);
    if (undone.ok()) undone = connection_.Release(name);
  }
  const bool all = part_ == Part::kTransaction || !undone.ok();
  if (all) connection_.Rollback().IgnoreError();
  NoteRolledBack(all, around_);
}

bool JoinedTransaction::Leave() {
  bool stays =
      !may_commit_ && !over_ && !guest_.undone && connection_.in_transaction();
  // Where another one stands in them, they end with what is around.
  if (stays && !AnotherStandsAbove(kept_)) {
    connection_.listeners().SetGuest(&guest_.listener);
    stays = ReleaseDownTo(kept_).ok();
  }
  if (stays) over_ = true;
  RollBack();
  return stays;
}

}  // namespace shard
