// A transaction's part on one database.
#ifndef SHARD_SESSION_BRANCH_H_
#define SHARD_SESSION_BRANCH_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/router/shard_id.h"
#include "shard/session/joined_transaction.h"
#include "shard/session/two_phase/commit_member.h"

namespace shard {

// One connection, taken when the database is first needed, and what is known of
// the work done there: a branch is what begins, commits and fails as a whole.
// The shards that are in the database, most often one, each have a Share of it.
// Not thread-safe, except that branches may be worked on by one thread each.
class Branch {
 public:
  explicit Branch(Engine* engine) : engine_(*engine) {}

  Engine& engine() const { return engine_; }
  bool open() const { return connection_ != nullptr; }
  void Open(PooledConnection connection) {
    pooled_ = std::move(connection);
    connection_ = &*pooled_;
  }
  void Open(std::unique_ptr<JoinedTransaction> joined) {
    joined_ = std::move(joined);
    connection_ = &joined_->connection();
  }
  Connection& connection() { return *connection_; }
  // Null where the transaction is the session's own.
  JoinedTransaction* joined() const { return joined_.get(); }

  absl::Status Commit() {
    return joined_ != nullptr ? joined_->Commit() : connection_->Commit();
  }
  // Before others than the verbs of a Share work on the connection, and before
  // its Commit. Errors: see JoinedTransaction.
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

  // One more Share, of a shard or of none.
  void AddShard(ShardId shard);
  // It is of one shard, and nothing else.
  bool is_one_shard() const { return shares_ == 1 && !shard_.is_none(); }
  // The name of that, else the engine's.
  const std::string& name() const {
    return is_one_shard() ? shard_.name() : engine_.name();
  }
  // That of the shard that is at work; alive until the program, or the engine,
  // ends.
  const std::string& speaker() const { return *speaker_; }
  void set_speaker(const std::string& name) { speaker_ = &name; }

  // What is known without asking the database: that it wrote when rows were
  // changed, that it read when nothing was sent.
  CommitMember::Work work() const { return work_; }
  // False when all that was sent here were our SELECTs.
  bool may_have_written() const { return may_have_written_; }
  // Something is sent; others may work on the connection, where it `writes`.
  void Touch(bool writes);
  void NoteWritten() { work_ = CommitMember::Work::kWrote; }

  // It has been looked at, before its first write, whether to record it.
  bool announced() const { return announced_; }
  void Announce() { announced_ = true; }

  // How many savepoints the transaction stands in.
  std::size_t depth() const { return depth_; }
  void set_depth(std::size_t depth) { depth_ = depth; }

  // What went wrong first; the branch can then only be rolled back.
  const absl::Status& first_error() const { return first_error_; }
  void NoteError(const absl::Status& error);
  // The transaction was rolled back to the savepoint that made that depth.
  void ForgetErrors(std::size_t depth);

  // Errors of the branch as a whole: names it, and poisons.
  absl::Status Failed(const absl::Status& error);
  // Names it only.
  absl::Status Refused(const absl::Status& error) const;

 private:
  Engine& engine_;
  ShardId shard_;  // of the first of so many
  std::size_t shares_ = 0;
  const std::string* speaker_ = nullptr;
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

// The error with the name of the shard, or of the engine, in front, once.
absl::Status NamedError(const absl::Status& error, bool is_shard,
                        const std::string& name);

}  // namespace shard

#endif  // SHARD_SESSION_BRANCH_H_
