// A transaction's part on one database.
#ifndef SHARD_SESSION_SHARE_H_
#define SHARD_SESSION_SHARE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind.h"
#include "shard/session/joined_transaction.h"
#include "shard/session/two_phase/commit_member.h"

namespace shard {

// One connection, taken when the database is first needed. The verbs are the
// connection's; they add the shard's name to errors and remember the first,
// which poisons the share: it can then only be rolled back. Not thread-safe,
// except that shares may be worked on by one thread each.
class Share {
 public:
  explicit Share(const Bind& bind) : bind_(bind) {}

  const Bind& bind() const { return bind_; }
  bool open() const { return connection_ != nullptr; }
  void Open(PooledConnection connection) {
    pooled_ = std::move(connection);
    connection_ = &*pooled_;
  }
  void Open(std::unique_ptr<JoinedTransaction> joined) {
    joined_ = std::move(joined);
    connection_ = &joined_->connection();
  }
  // Null where the transaction is the session's own.
  JoinedTransaction* joined() const { return joined_.get(); }
  absl::Status Commit() {
    return joined_ != nullptr ? joined_->Commit() : connection_->Commit();
  }
  // Before others than the verbs here work on the connection, and before its
  // Commit. Errors: see JoinedTransaction.
  absl::Status Resume(bool writes) {
    return joined_ != nullptr ? joined_->Resume(writes) : absl::OkStatus();
  }
  absl::Status CheckMayCommit() const {
    return joined_ != nullptr ? joined_->CheckMayCommit() : absl::OkStatus();
  }
  // Around the savepoints of nested transactions.
  void NestedBegun() {
    if (joined_ != nullptr) joined_->NestedBegun();
  }
  absl::Status CheckMayEndNested(bool rolls_back) const {
    return joined_ != nullptr ? joined_->CheckMayEndNested(rolls_back)
                              : absl::OkStatus();
  }
  void NestedEnded(bool rolled_back) {
    if (joined_ != nullptr) joined_->NestedEnded(rolled_back);
  }
  Connection& connection() { return *connection_; }
  const Dialect& dialect() const { return bind_.engine->dialect(); }
  // The shard's name, or the engine's where it is not a shard.
  const std::string& name() const;

  // What is known without asking the database: that it wrote when rows were
  // changed, that it read when nothing was sent.
  CommitMember::Work work() const { return work_; }
  // False when all that was sent here were our SELECTs.
  bool may_have_written() const { return may_have_written_; }
  // Others are going to work on the connection.
  void ExpectWrites();

  // It has been looked at, before its first write, whether to record it.
  bool announced() const { return announced_; }
  void Announce() { announced_ = true; }

  // How many savepoints the transaction stands in.
  std::size_t depth() const { return depth_; }
  void set_depth(std::size_t depth) { depth_ = depth; }

  const absl::Status& first_error() const { return first_error_; }
  // The transaction was rolled back to the savepoint that made that depth.
  void ForgetErrors(std::size_t depth);

  absl::Status Start(const Request& request);
  absl::StatusOr<Outcome> Finish(RowBatch* rows);
  absl::StatusOr<Outcome> Execute(const Request& request, RowBatch* rows);
  absl::Status StartInsert(const InsertRequest& request);
  absl::StatusOr<Outcome> FinishInsert();
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(const Request& request,
                                                     std::size_t batch_rows);
  // For errors of a cursor of this share: names it, and poisons.
  absl::Status Failed(const absl::Status& error);
  // A request refused before anything was sent leaves the share as it was.
  absl::Status Refused(const absl::Status& error) const;

 private:
  void Touch();
  void NoteWrites(const absl::StatusOr<Outcome>& outcome);

  Bind bind_;
  PooledConnection pooled_;                    // the pool rolls back
  std::unique_ptr<JoinedTransaction> joined_;  // or so does this
  Connection* connection_ = nullptr;           // of whichever
  absl::Status first_error_;
  std::size_t error_depth_ = 0;
  std::size_t depth_ = 0;
  CommitMember::Work work_ = CommitMember::Work::kRead;
  bool may_have_written_ = false;
  bool announced_ = false;
};

}  // namespace shard

#endif  // SHARD_SESSION_SHARE_H_
