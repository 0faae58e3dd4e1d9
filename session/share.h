// A shard's share in a transaction.
#ifndef SHARD_SESSION_SHARE_H_
#define SHARD_SESSION_SHARE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/router/bind.h"
#include "shard/session/branch.h"

namespace shard {

// One place that the transaction has come to, on the connection of its branch,
// which it has in common with other shards in the same database: they take
// turns. The verbs are the connection's; they add the shard's name to errors
// and remember the first, which poisons the branch: it can then only be rolled
// back. Not thread-safe, except that shares of different branches may be worked
// on by one thread each.
class Share {
 public:
  Share(const Bind& bind, Branch* branch)
      : bind_(bind),
        branch_(*branch),
        dialect_(bind.dialect()),
        name_(bind.shard.is_none() ? bind.engine->name() : bind.shard.name()) {
    branch->AddShard(bind.shard);
  }

  const Bind& bind() const { return bind_; }
  Branch& branch() const { return branch_; }
  bool open() const { return branch_.open(); }
  Connection& connection() { return branch_.connection(); }
  // Names tables as they are called in the database.
  const Dialect& dialect() const { return dialect_; }
  // The shard's name, or the engine's where it is not a shard.
  const std::string& name() const { return name_; }
  // How many savepoints the transaction stands in.
  std::size_t depth() const { return branch_.depth(); }

  absl::Status Start(const Request& request);
  absl::StatusOr<Outcome> Finish(RowBatch* rows);
  absl::StatusOr<Outcome> Execute(const Request& request, RowBatch* rows);
  // Of a table that has here the name that the share gives it.
  absl::Status StartInsert(InsertRequest request);
  absl::StatusOr<Outcome> FinishInsert();
  absl::StatusOr<bool> CountsRowsOf(const sql::Table& table);
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(const Request& request,
                                                     std::size_t batch_rows);
  // Before each batch of a cursor of this share: it is at work.
  void Speak() { branch_.set_speaker(name()); }
  // For errors of a cursor of this share: names it, and poisons.
  absl::Status Failed(const absl::Status& error);
  // A request refused before anything was sent leaves the share as it was.
  absl::Status Refused(const absl::Status& error) const;

 private:
  void NoteWrites(const absl::StatusOr<Outcome>& outcome);

  Bind bind_;
  Branch& branch_;
  const Dialect& dialect_;
  const std::string& name_;
};

}  // namespace shard

#endif  // SHARD_SESSION_SHARE_H_
