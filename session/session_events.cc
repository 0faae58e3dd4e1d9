// SessionCore's listeners.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/flush_fields.h"
#include "shard/session/session_core.h"
#include "shard/session/sharded_session.h"

namespace shard {
namespace {

bool IsUpdated(EntityBase& object) {
  const InstanceState& state = InstanceAccess::State(object);
  return !state.marked_deleted &&
         state.object_state == ObjectState::kPersistent && HasChanges(object);
}

}  // namespace

// Another ShardedSession over this core, which does not own it.
ShardedSession SessionCore::Face() {
  return ShardedSession(
      std::shared_ptr<SessionCore>(std::shared_ptr<void>(), this));
}

absl::Status SessionCore::Ask(
    absl::Status (SessionListener::*question)(ShardedSession&)) {
  if (options_.listeners.empty()) return absl::OkStatus();
  ShardedSession face = Face();
  for (const auto& listener : options_.listeners) {
    SHARD_RETURN_IF_ERROR(((*listener).*question)(face));
  }
  return absl::OkStatus();
}

void SessionCore::Tell(void (SessionListener::*news)(ShardedSession&)) {
  if (options_.listeners.empty()) return;
  ShardedSession face = Face();
  for (const auto& listener : options_.listeners) ((*listener).*news)(face);
}

void SessionCore::TellCommitted(const CommitResult& result) {
  if (options_.listeners.empty()) return;
  ShardedSession face = Face();
  for (const auto& listener : options_.listeners) {
    listener->AfterCommit(face, result);
  }
}

// Of those that are written and were not asked about, until there are no more:
// what is asked may change other objects. `asked`: which of the list were.
absl::Status SessionCore::AskBeforeUpdates(std::vector<bool>& asked) {
  for (bool some = true; std::exchange(some, false);) {
    for (std::size_t i = 0; i < work_.changed.size(); ++i) {
      asked.resize(work_.changed.size());
      EntityBase& object = *work_.changed[i];
      if (asked[i] || !IsUpdated(object)) continue;
      asked[i] = some = true;
      for (const auto& listener : options_.listeners) {
        SHARD_RETURN_IF_ERROR(listener->BeforeUpdate(object));
      }
    }
  }
  return absl::OkStatus();
}

// All are asked before anything is planned, since each may change any object.
absl::StatusOr<SessionCore::Written> SessionCore::AskBeforeWriting() {
  Written written;
  if (options_.listeners.empty()) return written;
  for (const auto& object : work_.added) {
    for (const auto& listener : options_.listeners) {
      SHARD_RETURN_IF_ERROR(listener->BeforeInsert(*object));
    }
  }
  std::vector<bool> asked;
  SHARD_RETURN_IF_ERROR(AskBeforeUpdates(asked));
  for (const auto& object : work_.deleted) {
    for (const auto& listener : options_.listeners) {
      SHARD_RETURN_IF_ERROR(listener->BeforeDelete(*object));
    }
  }
  SHARD_RETURN_IF_ERROR(AskBeforeUpdates(asked));
  written.inserted = work_.added;
  std::copy_if(work_.changed.begin(), work_.changed.end(),
               std::back_inserter(written.updated),
               [](const auto& object) { return IsUpdated(*object); });
  written.deleted = work_.deleted;
  return written;
}

void SessionCore::TellWritten(const Written& written) {
  const auto tell = [this](void (SessionListener::*news)(EntityBase&),
                           const auto& objects) {
    for (const auto& object : objects) {
      for (const auto& listener : options_.listeners) {
        ((*listener).*news)(*object);
      }
    }
  };
  tell(&SessionListener::AfterInsert, written.inserted);
  tell(&SessionListener::AfterUpdate, written.updated);
  tell(&SessionListener::AfterDelete, written.deleted);
}

absl::Status SessionCore::CheckNotFlushing(const char* verb) const {
  if (flushing_ == Flushing::kNo) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      verb,
      " was called by a listener while the session is being flushed; do "
      "it after the flush"));
}

absl::Status SessionCore::CheckNotWriting(const char* verb) const {
  if (flushing_ != Flushing::kWriting) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      verb,
      " was called by a listener while objects are being written; do it "
      "in BeforeFlush"));
}

}  // namespace shard
