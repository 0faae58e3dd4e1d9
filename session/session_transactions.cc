#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/flusher.h"
#include "shard/session/row_mover.h"
#include "shard/session/scoped_value.h"
#include "shard/session/session_core.h"
#include "shard/session/two_phase/recoverer.h"

namespace shard {
namespace {

InstanceState& StateOf(EntityBase& object) {
  return InstanceAccess::State(object);
}

// What stands in a list from there on, taken out of it.
template <class T>
std::vector<T> TakeFrom(std::vector<T>& list, std::size_t from) {
  const auto begin =
      list.begin() + static_cast<std::ptrdiff_t>(std::min(from, list.size()));
  std::vector<T> taken(std::make_move_iterator(begin),
                       std::make_move_iterator(list.end()));
  list.erase(begin, list.end());
  return taken;
}

// More must be a listener that changes something in each flush.
constexpr int kMostFlushes = 100;

absl::Status RolledBackByListener() {
  return absl::FailedPreconditionError(
      "a listener rolled the transaction back while it was flushed or "
      "committed");
}

}  // namespace

absl::Status SessionCore::Flush() {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing("Flush"));
  if (work_.empty()) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(transaction_.CheckBegun());
  SHARD_RETURN_IF_ERROR(transaction_.CheckHealthy());
  if (absl::Status refused = transaction_.CheckNotReadOnly(); !refused.ok()) {
    ForgetUnchanged();
    return work_.empty() ? absl::OkStatus() : refused;
  }
  absl::Status status = FlushOnce();
  const Ending wanted = std::exchange(wanted_after_flush_, Ending::kNone);
  if (wanted != Ending::kNone) {
    if (wanted == Ending::kClose) {
      Close();
    } else {
      Rollback();
    }
    if (status.ok()) status = RolledBackByListener();
  }
  if (status.ok()) Tell(&SessionListener::AfterFlush);
  return status;
}

// Objects may have been expired since something was assigned in them.
void SessionCore::ForgetUnchanged() {
  std::erase_if(work_.changed, [](const std::shared_ptr<EntityBase>& object) {
    if (HasChanges(*object)) return false;
    StateOf(*object).dirty = false;
    return true;
  });
}

// An exception of the user's code, a default or a listener, may leave a flush
// half done: then it can only be rolled back.
class SessionCore::PoisonOnException {
 public:
  explicit PoisonOnException(SessionCore* core) : core_(*core) {}
  ~PoisonOnException() {
    if (std::uncaught_exceptions() == before_) return;
    core_.wanted_after_flush_ = Ending::kNone;
    core_.transaction_.Poison(
        absl::InternalError("an exception passed through the flush"));
  }

 private:
  SessionCore& core_;
  const int before_ = std::uncaught_exceptions();
};

absl::Status SessionCore::FlushOnce() {
  const ScopedValue scope(&flushing_, Flushing::kAsking);
  const PoisonOnException poison(this);
  SHARD_RETURN_IF_ERROR(Ask(&SessionListener::BeforeFlush));
  flushing_ = Flushing::kWriting;
  SHARD_ASSIGN_OR_RETURN(const Written written, AskBeforeWriting());
  if (wanted_after_flush_ != Ending::kNone) return absl::OkStatus();
  if (!options_.keys.empty()) SHARD_RETURN_IF_ERROR(GiveKeys());
  SHARD_ASSIGN_OR_RETURN(const bool moved, MoveRows());
  const absl::Status status = MakeFlusher().Run(work_);
  // What has moved is written: all or nothing.
  if (moved && !status.ok()) transaction_.Poison(status);
  SHARD_RETURN_IF_ERROR(status);
  TellWritten(written);
  return absl::OkStatus();
}

Flusher SessionCore::MakeFlusher() {
  return Flusher(options_.resolver.get(), &transaction_, &statements_,
                 &loader_);
}

// Before the rest is written, all of which is looked at before anything moves.
absl::StatusOr<bool> SessionCore::MoveRows() {
  if (options_.shard_key_change == ShardKeyChange::kRefuse ||
      work_.changed.empty()) {
    return false;
  }
  RowMover mover({options_.resolver.get(), &transaction_, &loader_,
                  &identity_map_, options_.two_phase});
  SHARD_RETURN_IF_ERROR(mover.Find(work_.changed));
  if (mover.empty()) return false;
  SHARD_RETURN_IF_ERROR(mover.Open());
  UnitOfWork rest;
  rest.added = work_.added;
  rest.changed = work_.changed;
  rest.deleted = work_.deleted;
  mover.RemoveFrom(rest.changed);
  SHARD_RETURN_IF_ERROR(MakeFlusher().Check(rest));
  SHARD_RETURN_IF_ERROR(mover.Read());
  const absl::Status status = mover.Write();
  if (!status.ok()) transaction_.Poison(status);
  SHARD_RETURN_IF_ERROR(status);
  mover.RemoveFrom(work_.changed);
  return true;
}

absl::Status SessionCore::FlushAll() {
  for (int flushes = 0; !work_.empty(); ++flushes) {
    if (flushes == kMostFlushes) {
      return absl::FailedPreconditionError(
          absl::StrCat("after ", kMostFlushes,
                       " flushes there is still something to write; "
                       "does a listener change objects in every AfterFlush?"));
    }
    SHARD_RETURN_IF_ERROR(Flush());
  }
  return absl::OkStatus();
}

// What comes before the end of a transaction. One that is prepared has it
// behind it.
absl::Status SessionCore::FlushForCommit(const char* verb) {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing(verb));
  SHARD_RETURN_IF_ERROR(transaction_.CheckBegun());
  SHARD_RETURN_IF_ERROR(transaction_.CheckHealthy());
  if (committing_) {
    return absl::FailedPreconditionError(
        absl::StrCat(verb, " was called by a listener of a commit"));
  }
  const ScopedValue scope(&committing_, true);
  const std::size_t rollbacks = rollbacks_;
  if (!transaction_.prepared()) {
    SHARD_RETURN_IF_ERROR(Ask(&SessionListener::BeforeCommit));
  }
  SHARD_RETURN_IF_ERROR(FlushAll());
  if (rollbacks_ != rollbacks) return RolledBackByListener();
  return transaction_.CheckHealthy();
}

absl::Status SessionCore::Prepare() {
  if (!options_.two_phase) {
    return absl::FailedPreconditionError(
        "Prepare needs SessionOptions::two_phase, which is off; just Commit");
  }
  if (!nested_.empty()) {
    return absl::FailedPreconditionError(
        "Prepare ends the whole transaction, and the session is in a nested "
        "one; call CommitNested() or RollbackNested() first");
  }
  SHARD_RETURN_IF_ERROR(FlushForCommit("Prepare"));
  EndStreams();
  const absl::Status status = transaction_.Prepare();
  if (!status.ok() && transaction_.empty()) {
    SettleRollback({}, Reads::kExpire);
    Tell(&SessionListener::AfterRollback);
  }
  return status;
}

absl::StatusOr<CommitResult> SessionCore::Commit() {
  SHARD_RETURN_IF_ERROR(FlushForCommit("Commit"));
  EndStreams();
  std::vector<const Engine*> engines;  // in the order of the result's shares
  for (const auto& share : transaction_.shares()) {
    if (share->open()) engines.push_back(share->bind().engine);
  }
  absl::StatusOr<CommitResult> result = transaction_.Commit();
  if (result.ok()) {
    SettleCommit();
    TellCommitted(*result);
    return result;
  }
  // Refused, with nothing done: the transaction goes on.
  if (!transaction_.empty()) return result;
  std::vector<const Engine*> committed;
  if (const auto partly = CommitResultOf(result.status())) {
    for (std::size_t i = 0; i < partly->shares.size(); ++i) {
      if (partly->shares[i].committed) committed.push_back(engines[i]);
    }
  }
  SettleRollback(committed, Reads::kExpire);
  Tell(&SessionListener::AfterRollback);
  return result;
}

absl::StatusOr<Decision> SessionCore::Resolve(std::string_view transaction) {
  if (options_.topology == nullptr) {
    return absl::FailedPreconditionError(
        "Resolve needs SessionOptions::topology, the one that the transaction "
        "was made with");
  }
  return Recoverer::Of(*options_.topology, options_.recovery)
      .Resolve(transaction, Now() + options_.resolve_timeout);
}

void SessionCore::Rollback() {
  if (flushing_ != Flushing::kNo) {
    wanted_after_flush_ = Ending::kRollback;
  } else {
    RollBack(Reads::kExpire);
  }
}

void SessionCore::RollBack(Reads reads) {
  if (rolling_back_) return;  // a listener that hears of it, and does the same
  ++rollbacks_;
  const bool began = !transaction_.empty() || !work_.empty();
  if (began) {
    const ScopedValue scope(&rolling_back_, true);
    Tell(&SessionListener::BeforeRollback);
  }
  EndStreams();
  std::vector<const Engine*> kept;  // where the work stays, in a joined one
  if (reads == Reads::kKeep) {
    kept = transaction_.Close();
  } else {
    transaction_.Rollback();
  }
  SettleRollback(kept, reads);
  if (began) Tell(&SessionListener::AfterRollback);
}

void SessionCore::Close() {
  if (flushing_ != Flushing::kNo) {
    wanted_after_flush_ = Ending::kClose;
    return;
  }
  RollBack(Reads::kKeep);
  transaction_.ForgetCommitted();
  identity_map_.ForEach([this](const auto& object) { Detach(*object); });
  identity_map_.Clear();
}

absl::Status SessionCore::BeginNested() {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing("BeginNested"));
  SHARD_RETURN_IF_ERROR(FlushAll());
  SHARD_RETURN_IF_ERROR(transaction_.BeginNested());
  nested_.push_back(
      {work_.gone.size(), work_.rekeyed.size(), nested_.size() + 2});
  return absl::OkStatus();
}

absl::Status SessionCore::CommitNested() {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing("CommitNested"));
  SHARD_RETURN_IF_ERROR(CheckNested("CommitNested"));
  SHARD_RETURN_IF_ERROR(FlushAll());
  SHARD_RETURN_IF_ERROR(transaction_.CommitNested());
  nested_.pop_back();
  const auto depth = static_cast<std::uint16_t>(nested_.size());
  identity_map_.ForEach([depth](const std::shared_ptr<EntityBase>& object) {
    std::uint16_t& inserted_at = StateOf(*object).inserted_at;
    inserted_at = std::min<std::uint16_t>(inserted_at, depth + 1);
  });
  return absl::OkStatus();
}

absl::Status SessionCore::RollbackNested() {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing("RollbackNested"));
  SHARD_RETURN_IF_ERROR(CheckNested("RollbackNested"));
  EndStreams();
  SHARD_RETURN_IF_ERROR(transaction_.RollbackNested());
  const Savepoint savepoint = nested_.back();
  nested_.pop_back();
  UndoSince(savepoint, {}, Reads::kExpire);
  return absl::OkStatus();
}

absl::Status SessionCore::CheckNested(const char* verb) const {
  if (!nested_.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      verb, " without BeginNested: no nested transaction is open"));
}

void SessionCore::EndStreams() {
  for (const std::weak_ptr<RowStream>& weak : streams_) {
    if (const std::shared_ptr<RowStream> stream = weak.lock()) stream->End();
  }
  streams_.clear();
}

void SessionCore::SettleCommit() {
  nested_.clear();
  identity_map_.ForEach([this](const std::shared_ptr<EntityBase>& object) {
    InstanceState& state = StateOf(*object);
    state.inserted_at = 0;
    state.key_generated = false;
    state.written_in_transaction = false;
    if (options_.expire_on_commit) ExpireAttributes(*object);
  });
  written_rows_.clear();
  for (const auto& object : work_.gone) LetGoOfDeleted(*object);
  work_.gone.clear();
  work_.rekeyed.clear();
}

void SessionCore::MakeTransient(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  InstanceState& state = StateOf(object);
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    const AttributeState now = attributes[i]->state();
    // What the database made, or was to make, ends with the row.
    const bool own_value =
        (now == AttributeState::kLoaded || now == AttributeState::kModified) &&
        !(state.key_generated && mapping.field(i).column->primary_key()) &&
        !AttributeAccess::MadeByDatabase(*attributes[i]);
    AttributeAccess::SetState(*attributes[i], own_value
                                                  ? AttributeState::kModified
                                                  : AttributeState::kUnset);
  }
  identity_map_.Erase(object);
  state = InstanceState{};
  state.mapping = &mapping;
}

void SessionCore::SettleRollback(const std::vector<const Engine*>& committed,
                                 Reads reads) {
  nested_.clear();
  UndoSince({}, committed, reads);
  written_rows_.clear();
}

// Objects go back to what their rows are now. Rows on committed engines stay.
void SessionCore::UndoSince(Savepoint savepoint,
                            const std::vector<const Engine*>& committed,
                            Reads reads) {
  const auto stays = [&committed](const InstanceState& state) {
    return std::find(committed.begin(), committed.end(), state.engine) !=
           committed.end();
  };
  // A flush that failed half-way has written some of its objects already: those
  // are found in the identity map below, or among the deleted.
  for (const auto& object : work_.added) {
    if (StateOf(*object).object_state == ObjectState::kPending) Detach(*object);
  }
  for (const auto& object : work_.changed) StateOf(*object).dirty = false;
  for (const auto& object : work_.deleted) {
    StateOf(*object).marked_deleted = false;
    if (StateOf(*object).object_state == ObjectState::kDeleted) {
      work_.gone.push_back(object);
    }
  }
  // New objects leave the identity map before others go back to the identities
  // that these may have taken.
  identity_map_.ForEach([&](const std::shared_ptr<EntityBase>& object) {
    UndoObject(*object, savepoint, stays(StateOf(*object)), reads);
  });
  auto rekeyed = TakeFrom(work_.rekeyed, savepoint.rekeyed);
  for (auto entry = rekeyed.rbegin(); entry != rekeyed.rend(); ++entry) {
    const InstanceState& state = StateOf(*entry->object);
    if (state.host == nullptr || stays(state)) continue;
    RestoreIdentity(std::move(*entry));
  }
  for (const auto& object : TakeFrom(work_.gone, savepoint.gone)) {
    if (stays(StateOf(*object))) {
      LetGoOfDeleted(*object);
      continue;
    }
    if (!IsNewSince(savepoint, *object)) loader_.Adopt(*object);
    UndoObject(*object, savepoint, false, reads);
  }
  work_.added.clear();
  work_.changed.clear();
  work_.deleted.clear();
}

bool SessionCore::IsNewSince(Savepoint savepoint, const EntityBase& object) {
  return InstanceAccess::State(object).inserted_at >= savepoint.inserted_from;
}

void SessionCore::UndoObject(EntityBase& object, Savepoint savepoint,
                             bool stays, Reads reads) {
  InstanceState& state = StateOf(object);
  const bool written = state.written_in_transaction || IsAmongWritten(object);
  if (IsNewSince(savepoint, object) && !stays) return MakeTransient(object);
  if (savepoint.inserted_from == 1) {  // the transaction is over
    state.inserted_at = 0;
    state.key_generated = false;
    state.written_in_transaction = false;
  }
  if (written || reads == Reads::kExpire) ExpireAttributes(object);
}

void SessionCore::RestoreIdentity(FormerIdentity former) {
  EntityBase& object = *former.object;
  const auto earlier = work_.rekeyed.size();
  loader_.Relocate(object, std::move(former.key), former.place);
  work_.rekeyed.resize(earlier);  // going back is no change of its own
  // Its attributes have the new key still: RestoreKey shall replace it.
  AttributeBase* attributes[kMostFields];
  object.mapping().Attributes(object, attributes);
  for (const std::uint16_t field : object.mapping().key_fields()) {
    AttributeAccess::SetState(*attributes[field], AttributeState::kModified);
  }
  StateOf(object).has_values = true;
  ExpireAttributes(object);
}

}  // namespace shard
