// What a database does in an atomic commit over several databases.
#ifndef SHARD_DIALECTS_PARTICIPANT_H_
#define SHARD_DIALECTS_PARTICIPANT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shard {

class WriteFence;

enum class Decision { kCommit, kAbort };

// A row of shard_decisions(txn, outcome, participants, redo, created): the
// decision over one transaction, kept in the database that decided it.
struct DecisionRow {
  std::string txn;  // 32 hexadecimal digits
  Decision outcome = Decision::kCommit;
  std::string participants;  // JSON; databases do not look inside
  std::string redo;          // bytes; empty for participants that can prepare
  absl::Duration age;        // by the database's clock, when read
};

// Who a database is: the one row of shard_stamp.
struct Stamp {
  std::string cluster;     // name of the topology
  std::string shard;       // name of the database in it
  std::string identity;    // 32 random hexadecimal digits, made with the stamp
  std::int64_t epoch = 1;  // of the slot map
  std::string hash;        // how keys are placed: "xxh3-v1"
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

// A transaction that the database holds prepared.
struct PreparedTransaction {
  std::string gid;
  absl::Duration age;  // by the database's clock
};

// What the running transaction has done so far.
struct WorkDone {
  bool wrote = false;  // or locked rows: more than a plain read
  // The database's own number of the transaction ("748"); empty where there is
  // none.
  std::string number;
};

enum class TransactionFate { kInProgress, kCommitted, kAborted, kForgotten };

// One thing that was looked at before a database is put to work.
struct Finding {
  enum Level { kOk, kWarning, kError } level = kOk;
  std::string subject;  // "max_prepared_transactions"
  std::string value;    // "100, 3 in use"
  std::string advice;   // what to do about it; empty when all is well
};

// A row that a redo could not be applied to, since somebody else has written to
// it meanwhile; or a table, since somebody has changed or dropped it.
struct RedoConflict {
  std::string table;
  std::string key;   // "id=7"; empty: the table as a whole
  std::string what;  // "the row to update is gone"
};

// What to do with rows in conflict: report them, with nothing changed; write
// the redo's version over them, which no table as a whole can be; leave them as
// they are and apply the rest. The last only finds out: it reports, and changes
// nothing in any case.
enum class OnConflict { kReport, kOverwrite, kKeep, kOnlyTry };

// Names the transaction that last made ready to follow. Both are empty when its
// writer died over it.
struct FollowMarker {
  std::string txn;
  std::string participants;  // as in the transaction's DecisionRow there
};

enum class RedoOutcome { kApplied, kThereAlready, kNotDecided };

// The verbs of one connection; belongs to it and ends with it. Not
// thread-safe. Where nothing else is said errors are those of a Connection, and
// kUnimplemented for what the database cannot do. Pairs of Start and Finish
// are used as in Connection, so that many databases can work side by side.
//
// The two tables, shard_decisions and shard_stamp, are made by PutStamp; they
// are always addressed by their full name, whatever the search path is.
class Participant {
 public:
  virtual ~Participant() = default;

  // Empty when transactions can be prepared here; else why not, in words to end
  // a sentence: "max_prepared_transactions is 0". Known since connecting.
  virtual const std::string& why_not_prepare() const = 0;
  bool can_prepare() const { return why_not_prepare().empty(); }
  // False when all is lost with the process, as in a database in memory.
  virtual bool durable() const { return true; }
  // The same for all connections to one database, whatever it was called, where
  // that can be told without its stamp; else empty.
  virtual std::string location() const { return ""; }
  // A copy that follows another server and takes no writes. It shows nothing
  // that is prepared there and may lag behind its decisions, so it must never
  // be asked about them. Known since connecting.
  virtual bool standby() const { return false; }
  // Proved without asking: what was done in the running transaction so far was
  // done on a standby, so that it wrote nothing. Also of a lost connection.
  virtual bool cannot_have_written() const { return false; }

  // kFailedPrecondition when COMMIT would refuse the running transaction, as
  // far as can be told without trying.
  virtual absl::Status CheckMayCommit() { return absl::OkStatus(); }
  // A hint, in the running transaction: the next statement is the last before
  // StartLook, and may bring along what that would ask for. Nothing is lost
  // when others follow.
  virtual void LookWithNext() {}
  // In the running transaction. Proves whether it wrote.
  virtual absl::Status StartLook() = 0;
  virtual absl::StatusOr<WorkDone> FinishLook() = 0;
  // PREPARE: from now on the connection is free, and the work waits for End.
  // kAborted when the database rolled back instead, kResourceExhausted when no
  // more can be prepared, kFailedPrecondition when this one cannot be.
  virtual absl::Status StartPrepare(std::string_view gid) = 0;
  virtual absl::Status FinishPrepare() = 0;
  // Adds the row and commits, durably, in one go: the decision. kAlreadyExists
  // when recovery has decided otherwise; after kUnavailable or
  // kDeadlineExceeded ask Settle; after any other error it is not committed.
  virtual absl::Status StartDecide(const DecisionRow& row) = 0;
  virtual absl::Status FinishDecide() = 0;

  // The part of a follower: a database that cannot prepare, but whose work can
  // be recorded and, should it be lost after the decision, done again.
  //
  // Whether it can be one.
  virtual bool can_follow() const { return false; }
  // From now on what the running transaction writes is recorded; before it has
  // written anything. kUnimplemented where that cannot be done.
  virtual absl::Status Record();
  virtual bool recording() const { return false; }
  // Makes ready: adds `own` to the database's own decisions, leaves the
  // transaction open, with all its locks, and sets the database's marker, so
  // that no writer of ours gets past the transaction if its owner dies. Nothing
  // but StartEnd may follow. FinishFollow returns the redo: what does the work
  // again. kFailedPrecondition, naming table and reason, for what cannot be
  // recorded; kResourceExhausted for more than `max_redo_bytes`. After an error
  // roll back.
  virtual absl::Status StartFollow(const DecisionRow& own,
                                   std::size_t max_redo_bytes);
  virtual absl::StatusOr<std::string> FinishFollow();

  // Outside of a transaction. Ends a prepared one of this database; kNotFound
  // when there is none of exactly this name, kAborted when another is just
  // ending it. After FinishFollow: ends the open one; a COMMIT that fails
  // leaves the work to ApplyRedo.
  virtual absl::Status StartEnd(std::string_view gid, Decision decision) = 0;
  virtual absl::Status FinishEnd() = 0;

  // The rest is for recovery: outside of a transaction, blocking.

  // Those of this database whose gid begins with `prefix`.
  virtual absl::StatusOr<std::vector<PreparedTransaction>> ListPrepared(
      std::string_view prefix) = 0;
  // What became of the transaction with that number.
  virtual absl::StatusOr<TransactionFate> FateOf(std::string_view number) = 0;
  // Decides `row.txn` against committing unless it is decided already, and
  // returns the decision that stands. Waits for a COMMIT in flight, for
  // `patience` at most: kAborted, the owner is alive. `number`: that of the
  // decider's transaction, or empty. Only a row counts as a decision to commit:
  // that the number's transaction has committed does not, since a server that
  // crashed may have given the number to another.
  virtual absl::StatusOr<Decision> Settle(const DecisionRow& row,
                                          std::string_view number,
                                          absl::Duration patience) = 0;
  // Puts in a decision by hand. kAlreadyExists: there is one, another.
  virtual absl::Status PutDecision(const DecisionRow& row,
                                   std::string_view number,
                                   absl::Duration patience) = 0;
  virtual absl::StatusOr<std::optional<DecisionRow>> FindDecision(
      std::string_view txn) = 0;
  // Without their redo, which may be long.
  virtual absl::StatusOr<std::vector<DecisionRow>> ListDecisions() = 0;
  // Those that are there go; durable soon, not at once. Waits for a writer for
  // `patience` at most (kAborted, and nothing is removed), where writers keep
  // others out.
  virtual absl::Status DeleteDecisions(const std::vector<std::string>& txns,
                                       absl::Duration patience) = 0;

  // Makes durable what ListDecisions and FindDecision have read, and what
  // DeleteDecisions has removed.
  virtual absl::Status SyncDecisions() { return absl::OkStatus(); }

  // Of followers: the marker beside the database; nullopt when there is none.
  virtual absl::StatusOr<std::optional<FollowMarker>> ReadMarker();
  // Takes the write lock, waiting for `patience` at most (kAborted: its owner,
  // or another writer, is alive), and calls `ask` with the lock held: the redo
  // of `own.txn` if it is decided to commit; nullopt says that it is over or
  // never can be. Applies the redo and adds `own`, both or neither, durably,
  // unless `own` is there, which is made durable. Then the marker, if it is
  // that transaction's, goes with the row, or with ClearMarker.
  // kFailedPrecondition, with `conflicts` filled in and nothing changed: rows
  // or tables are not as the transaction found them.
  using AskForRedo =
      std::function<absl::StatusOr<std::optional<std::string>>()>;
  virtual absl::StatusOr<RedoOutcome> ApplyRedo(
      const DecisionRow& own, absl::Duration patience, const AskForRedo& ask,
      OnConflict on_conflict, std::vector<RedoConflict>* conflicts);
  // Removes the marker if it is that transaction's and the database has its
  // row; for an empty `txn` one that could not be read. kAborted: a writer is
  // at work, and will do so itself.
  virtual absl::Status ClearMarker(std::string_view txn);
  // The identities of all databases that this one may ever have followed. Empty
  // where databases do not follow.
  virtual absl::StatusOr<std::vector<std::string>> ListPeers();
  // Durably, before it first follows one; also those that were there. Whether
  // any was not.
  virtual absl::StatusOr<bool> AddPeers(
      const std::vector<std::string>& identities);
  // Only when those databases are gone for good. Waits for a writer for
  // `patience` at most (kAborted); without a wait when none of them is listed.
  virtual absl::Status RemovePeers(const std::vector<std::string>& identities,
                                   absl::Duration patience);
  // Only when the decider of that transaction is gone for good: removes the
  // marker if it is that transaction's and the database has no row of it, and
  // says whether it did. The share, if the transaction was decided, is lost.
  // Waits for a writer for `patience` at most (kAborted).
  virtual absl::StatusOr<bool> GiveUpMarker(std::string_view txn,
                                            absl::Duration patience);
  // Whoever is to write through this connection passes that fence first.
  virtual void set_write_fence(std::shared_ptr<WriteFence>) {}

  // nullopt when the database has no stamp.
  virtual absl::StatusOr<std::optional<Stamp>> ReadStamp() = 0;
  // Makes the tables and the stamp where there are none, and raises the epoch
  // of a stamp that is older. Returns the stamp that stands, which somebody
  // else may have made.
  virtual absl::StatusOr<Stamp> PutStamp(const Stamp& stamp) = 0;

  // Version, settings, room: whether the database is fit for its part.
  virtual absl::StatusOr<std::vector<Finding>> Inspect() = 0;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_PARTICIPANT_H_
