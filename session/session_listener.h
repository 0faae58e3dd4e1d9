// Hears of what a session does.
#ifndef SHARD_SESSION_SESSION_LISTENER_H_
#define SHARD_SESSION_SESSION_LISTENER_H_

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/statement_listeners.h"
#include "shard/session/commit_result.h"
#include "shard/session/entity_base.h"

namespace shard {

class ShardedSession;

// Derive from it and override what you want to hear of; put it into
// SessionOptions::listeners. Everything is called in the thread that uses the
// session, but for OnStatement. A listener may serve many sessions: it must
// then be thread-safe. Several are called in the order of the list.
//
// The session that is handed over is the one that calls, under another name;
// keep no reference to it. An exception that passes out of a flush (of a
// default or a type, too) leaves a transaction that can only be rolled back.
class SessionListener {
 public:
  virtual ~SessionListener() = default;

  // Around a flush that has something to write. Before it, the session may be
  // changed at will: objects added, changed, deleted. An error refuses the
  // flush, with nothing written. After it, changes are for the next flush;
  // Commit flushes until there are no more. From BeforeFlush to the end of the
  // flush statements do not flush first, and Flush, Commit and Prepare say
  // kFailedPrecondition; a Rollback or Close waits for the end of the flush,
  // which then fails with that code.
  virtual absl::Status BeforeFlush(ShardedSession&) { return absl::OkStatus(); }
  virtual void AfterFlush(ShardedSession&) {}

  // For each object that a flush writes: before the first statement, and once
  // all of them went well. Before it, attributes may be assigned, those of the
  // object and of others; an error refuses the flush, with nothing written.
  // Add and Delete say kFailedPrecondition meanwhile: BeforeFlush is the place
  // for them. Every listener is asked about every object that is written, once:
  // also about those that another listener was the first to change. What is
  // assigned in an object that a listener was asked about is written without
  // asking it again, so that one which checks objects belongs behind those
  // that change them.
  virtual absl::Status BeforeInsert(EntityBase&) { return absl::OkStatus(); }
  virtual absl::Status BeforeUpdate(EntityBase&) { return absl::OkStatus(); }
  virtual absl::Status BeforeDelete(EntityBase&) { return absl::OkStatus(); }
  virtual void AfterInsert(EntityBase&) {}
  virtual void AfterUpdate(EntityBase&) {}
  virtual void AfterDelete(EntityBase&) {}

  // Before Commit flushes: the session may be used at will, but for Commit and
  // Prepare. An error refuses the commit; the transaction goes on. If a
  // listener rolls back until it is flushed, Commit says kFailedPrecondition.
  // After it, the result says what is committed and what is pending. Not called
  // after an error.
  virtual absl::Status BeforeCommit(ShardedSession&) {
    return absl::OkStatus();
  }
  virtual void AfterCommit(ShardedSession&, const CommitResult&) {}

  // Around a rollback of the whole transaction: by Rollback, by Close or the
  // session's end where anything was begun, and (only the second) after a
  // commit that failed. Before it, the transaction can still be read in,
  // without a flush; after it, a new one. The session must not be used when it
  // ends.
  virtual void BeforeRollback(ShardedSession&) {}
  virtual void AfterRollback(ShardedSession&) {}

  // An object that came from a row, new to the session or read again. It may be
  // read here, but not changed.
  virtual void AfterLoad(EntityBase&) {}

  // A statement that ran on a share of the transaction, BEGIN, SAVEPOINT and
  // COMMIT included; `shard`: its shard's name, or the engine's where it is
  // none. The session must not be used. Statements on several databases may run
  // in several threads, so this may be called in any, and at once.
  virtual void OnStatement(std::string_view /*shard*/, const StatementEvent&) {}
};

using SessionListeners = std::vector<std::shared_ptr<SessionListener>>;

}  // namespace shard

#endif  // SHARD_SESSION_SESSION_LISTENER_H_
