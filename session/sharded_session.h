// The session: a unit of work over one or many databases.
#ifndef SHARD_SESSION_SHARDED_SESSION_H_
#define SHARD_SESSION_SHARDED_SESSION_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/transaction_options.h"
#include "shard/session/bind_arguments.h"
#include "shard/session/commit_result.h"
#include "shard/session/entity.h"
#include "shard/session/execution_options.h"
#include "shard/session/no_autoflush.h"
#include "shard/session/object_stream.h"
#include "shard/session/query.h"
#include "shard/session/result.h"
#include "shard/session/session_core.h"
#include "shard/session/session_options.h"
#include "shard/session/struct_stream.h"
#include "shard/session/tuple_rows.h"
#include "shard/sql/statement.h"

namespace shard {

// Holds objects, one for each class, shard and primary key; writes what changed
// in them in one go; and runs statements. All of it happens in one transaction,
// begun on each database when it is first needed. Where work goes is the bind
// resolver's business.
//
// A session belongs to one thread at a time. It does not keep alive the engines
// it works with: the resolver does. When it ends, what was not committed is
// rolled back and its objects are detached. Movable; moved from, only good to
// be destroyed or assigned to.
//
// Errors are those of dialects/connection.h, of the resolver, and those named
// here. After a statement failed, Commit refuses until Rollback: the databases
// involved may hold half of the work.
class ShardedSession {
 public:
  explicit ShardedSession(SessionOptions options)
      : core_(std::make_shared<SessionCore>(std::move(options))) {}
  // A session over one database.
  explicit ShardedSession(std::shared_ptr<Engine> engine);
  ShardedSession(ShardedSession&&) = default;
  ShardedSession& operator=(ShardedSession&&) = default;

  // A session over one database that works on a connection of the caller's, and
  // in its transaction if it has begun one; what becomes of that is said with
  // JoinTransactionMode. `connection` is one of the engine's; it stays the
  // caller's, and must outlive the session. What Commit says to be committed is
  // so as far as the session goes: the transaction around it has the last word.
  // For tests, that undo all that was done in them, and for code in which one
  // transaction is passed on. kInvalidArgument, upon first use: the connection
  // is not one of that engine's.
  static ShardedSession Join(
      std::shared_ptr<Engine> engine, Connection& connection,
      JoinTransactionMode mode = JoinTransactionMode::kConditionalSavepoint);

  // Begins a transaction with these options, on each database when it is first
  // needed. Where nothing is to be said of it, none need be begun (but for
  // SessionOptions::autobegin). Its deadline and statement timeout hold until
  // Commit has flushed, prepared, and is about to decide; from then on the
  // session's own timeouts do. A Commit behind the deadline commits nothing and
  // says kDeadlineExceeded; Rollback is left to do. Waiting for a connection of
  // the pool is bounded by EngineOptions::pool_timeout alone.
  // kFailedPrecondition: a transaction has begun already. In a read-only one: a
  // flush with something to write, and a statement of ours that writes; text
  // that does is refused by the database. Otherwise see TransactionOptions.
  absl::Status Begin(const TransactionOptions& options = {}) {
    return core_->Begin(options);
  }
  // Whether one has begun, by Begin or by what was done.
  bool in_transaction() const { return core_->in_transaction(); }

  // Puts a new object into the session; the next flush inserts its row. An
  // object detached from another session comes back with its row; one that was
  // loaded without shards is on the shard that its shard key says. OK when it
  // is here already. kFailedPrecondition: it is in another session, or deleted;
  // kInvalidArgument: its class cannot be used (no primary key).
  absl::Status Add(const std::shared_ptr<EntityBase>& object) {
    return core_->Add(object);
  }
  // The same for each; stops at the first error.
  template <class Objects>
  absl::Status AddAll(const Objects& objects) {
    for (const auto& object : objects) SHARD_RETURN_IF_ERROR(Add(object));
    return absl::OkStatus();
  }
  // The next flush deletes its row. A pending object simply leaves the session.
  absl::Status Delete(const std::shared_ptr<EntityBase>& object) {
    return core_->Delete(object);
  }

  // The object with this primary key, in the order of the table's key columns:
  // Get<Account>(5), Get<Line>(5, "a"); null when there is no such row. An
  // object that is held and not expired comes without asking a database. Else
  // all shards that may hold it are asked at once; kFailedPrecondition, naming
  // both, when two of them have it. OnShard("eu") behind the key asks that one,
  // and so do other BindArguments. kInvalidArgument: the key has other types or
  // parts than the class.
  template <MappedClass E, class... Key>
  absl::StatusOr<std::shared_ptr<E>> Get(const Key&... key);

  // Runs a statement, flushing first. SELECTs over several shards run on all of
  // them at once; with ORDER BY the answers are merged, without they come one
  // shard after the other. kUnimplemented: what would need more than that to be
  // right. Objects of a class that an UPDATE, DELETE or INSERT with ON CONFLICT
  // is about are expired, unless ExecutionOptions::synchronize says otherwise.
  // Constructs say which class they are about; of text nothing is known: give
  // it a BindTo, OnShard or OnEngine, unless all is in one database.
  absl::StatusOr<Result> Execute(const sql::Statement& statement,
                                 const sql::Parameters& parameters = {},
                                 const BindArguments& bind = {},
                                 const ExecutionOptions& how = {}) {
    return core_->Execute(statement, parameters, bind, how);
  }
  // Raw SQL with ":name" parameters, on one database:
  //   session.Execute("select * from accounts where id = :id", {{"id", 7}},
  //                   BindTo<Account>())
  absl::StatusOr<Result> Execute(std::string_view text,
                                 const sql::Parameters& parameters = {},
                                 const BindArguments& bind = {},
                                 const ExecutionOptions& how = {}) {
    return core_->Execute(sql::TextSql(text), parameters, bind, how);
  }
  // The same once for each set of parameters, a std::vector<sql::Parameters> or
  // absl::Span of them, in one batch for each database; none: nothing happens.
  // Each set goes where it belongs by itself, as a row that is inserted by its
  // shard key. Affected rows are summed; rows that are returned come database
  // after database, on each in the order of the sets. kInvalidArgument, before
  // anything is sent: the statement is a SELECT, or a set, whose number is
  // named, has other names than the first. kUnimplemented: an INSERT of several
  // rows whose rows belong on several shards; let it insert one.
  template <class Sets>
  requires std::convertible_to<const Sets&, absl::Span<const sql::Parameters>>
      absl::StatusOr<Result> Execute(const sql::Statement& statement,
                                     const Sets& sets,
                                     const BindArguments& bind = {},
                                     const ExecutionOptions& how = {}) {
    return core_->ExecuteMany(statement, sets, bind, how);
  }
  template <class Sets>
  requires std::convertible_to<const Sets&, absl::Span<const sql::Parameters>>
      absl::StatusOr<Result> Execute(std::string_view text, const Sets& sets,
                                     const BindArguments& bind = {},
                                     const ExecutionOptions& how = {}) {
    return core_->ExecuteMany(sql::TextSql(text), sets, bind, how);
  }

  // Where Execute would send the statement, why, and as which SQL; nothing is
  // run, flushed or begun. Errors are those of the router and of what cannot be
  // put together from several shards, but for what depends on how a database
  // sorts text: no database is connected to.
  absl::StatusOr<Explanation> Explain(const sql::Statement& statement,
                                      const sql::Parameters& parameters = {},
                                      const BindArguments& bind = {},
                                      const ExecutionOptions& how = {}) {
    return core_->Explain(statement, parameters, bind, how);
  }

  // All objects that a Select<Account>() finds.
  template <MappedClass E>
  absl::StatusOr<std::vector<std::shared_ptr<E>>> Scalars(
      const TypedSelect<E>& select, const sql::Parameters& parameters = {},
      const BindArguments& bind = {}, const ExecutionOptions& how = {});
  // All values of a Select of one column.
  template <class T>
  requires(!MappedClass<T>) absl::StatusOr<std::vector<T>> Scalars(
      const TypedSelect<T>& select, const sql::Parameters& parameters = {},
      const BindArguments& bind = {}, const ExecutionOptions& how = {});
  // All rows of a Select of several columns:
  //   session.Tuples(Select(c.owner, Count()).GroupBy(c.owner))
  template <class... Ts>
  requires(sizeof...(Ts) > 1)
      absl::StatusOr<std::vector<std::tuple<Ts...>>> Tuples(
          const TypedSelect<Ts...>& select,
          const sql::Parameters& parameters = {},
          const BindArguments& bind = {}, const ExecutionOptions& how = {});
  // The value of a Select of one column that finds one row. kNotFound: none;
  // kFailedPrecondition: several.
  template <class T>
  requires(!MappedClass<T>) absl::StatusOr<T> Scalar(
      const TypedSelect<T>& select, const sql::Parameters& parameters = {},
      const BindArguments& bind = {}, const ExecutionOptions& how = {});

  // The objects that a Select<Account>() finds, one by one, in constant memory:
  //   SHARD_ASSIGN_OR_RETURN(auto accounts, session.Stream(Select<Account>()));
  //   while (true) {
  //     SHARD_ASSIGN_OR_RETURN(auto account, accounts.Next());
  //     if (account == nullptr) break;
  //   }
  template <MappedClass E>
  absl::StatusOr<ObjectStream<E>> Stream(const TypedSelect<E>& select,
                                         const sql::Parameters& parameters = {},
                                         const BindArguments& bind = {},
                                         const ExecutionOptions& how = {});
  // The same as plain structs, all at once or one by one: no objects, no
  // identity, nothing to flush, and much faster. Deferred fields are read too.
  template <MappedClass E>
  absl::StatusOr<std::vector<typename E::Row>> Rows(
      const TypedSelect<E>& select, const sql::Parameters& parameters = {},
      const BindArguments& bind = {}, const ExecutionOptions& how = {});
  template <MappedClass E>
  absl::StatusOr<StructStream<E>> StreamRows(
      const TypedSelect<E>& select, const sql::Parameters& parameters = {},
      const BindArguments& bind = {}, const ExecutionOptions& how = {});

  // No flush before statements as long as what it returns lives.
  shard::NoAutoflush NoAutoflush() { return core_->PauseAutoflush(); }

  // The transaction's connection for a class or shard, begun if need be. What
  // is run on it bypasses the session: no flush before, no expiry after. Valid
  // until the transaction ends.
  absl::StatusOr<Connection*> ConnectionFor(const BindArguments& bind = {}) {
    return core_->ConnectionFor(bind);
  }
  template <MappedClass E>
  absl::StatusOr<Connection*> ConnectionFor() {
    return core_->ConnectionFor(BindTo<E>());
  }

  // Brings the state of an object into the session that is in none or in
  // another one, which nobody must use meanwhile; it stays as it is. What is
  // set in it is assigned to the session's object of the same primary key and
  // shard, loaded if need be, or to a new pending one where there is no such
  // row; that one is returned. Unset and expired attributes are left alone, and
  // equal values are no change, where the session's object has them loaded.
  // Errors: those of Get and Add. kAborted, and nothing is assigned, where the
  // object has a version and it is not that of the session's object: its copy
  // of the row is stale. The version of a stored object is never assigned.
  template <MappedClass E>
  absl::StatusOr<std::shared_ptr<E>> Merge(const E& object);

  // Many rows at once, at the speed of the drivers: they pass by the identity
  // map, the flush and its listeners, but not by the router nor the
  // transaction, which they are part of. Nothing is flushed first: call Flush
  // where rows of pending objects must be there.
  // `rows` are of E::Row, std::shared_ptr<E> or sql::Parameters (columns by
  // name): any contiguous range of them. Each row goes to its own shard, all
  // shards work at once, and rows that write the same columns share a batch
  // whatever stands between them; BulkOptions has the choices. Objects of the
  // session whose rows are changed here are read again when next used.
  //
  // All rows are looked at before the first is sent, so these errors, which
  // name row (from 1) and column, write nothing: kInvalidArgument: an unknown
  // column, a value of another type, NULL where there cannot be, no primary
  // key, no version, no shard key. kOutOfRange: a number that is too large for
  // its column. kFailedPrecondition: a new shard key that belongs to another
  // shard, naming both; an object in the wrong state. Later ones can only be
  // rolled back; kAborted then names the rows that were not there, or not in
  // the version given.
  //
  // Inserts columns that are there; the others get their defaults, as in a
  // flush, and so does NULL unless BulkOptions::render_nulls; but a default
  // that is SQL is made once for all rows that share a statement. Versions
  // begin anew. Key values that the database makes come back by
  // BulkOptions::return_defaults. Keys that SessionOptions::keys makes count in
  // objects as if they had been assigned.
  template <MappedClass E, class Input>
  absl::StatusOr<BulkReport> BulkInsert(const Input& rows,
                                        const BulkOptions& options = {},
                                        const BindArguments& bind = {});
  // Sets the columns that are there in the row of that primary key, and version
  // where the class has one. Of objects: see BulkOptions::update_changed_only.
  template <MappedClass E, class Input>
  absl::StatusOr<BulkReport> BulkUpdate(const Input& rows,
                                        const BulkOptions& options = {},
                                        const BindArguments& bind = {});
  // Inserts, or where a row of the primary key (or BulkOptions::conflict) is
  // there, sets the columns that are, NULL too where the column takes it. Two
  // rows of one key may be refused by
  // the database. kUnimplemented: the shard key is no part of it, and no shard
  // is named; a version that is not a number. Versions are counted on, not
  // compared.
  template <MappedClass E, class Input>
  absl::StatusOr<BulkReport> BulkUpsert(const Input& rows,
                                        const BulkOptions& options = {},
                                        const BindArguments& bind = {});
  // Deletes by primary key, and version; other columns only tell the shard.
  template <MappedClass E, class Input>
  absl::StatusOr<BulkReport> BulkDelete(const Input& rows,
                                        const BulkOptions& options = {},
                                        const BindArguments& bind = {});
  template <MappedClass E>
  absl::StatusOr<BulkReport> BulkInsertMappings(
      absl::Span<const sql::Parameters> rows, const BulkOptions& options = {},
      const BindArguments& bind = {}) {
    return BulkInsert<E>(rows, options, bind);
  }
  template <MappedClass E>
  absl::StatusOr<BulkReport> BulkUpdateMappings(
      absl::Span<const sql::Parameters> rows, const BulkOptions& options = {},
      const BindArguments& bind = {}) {
    return BulkUpdate<E>(rows, options, bind);
  }
  // Objects of any classes: inserts those that have no row, updates the others.
  // They do not join the session, and stay as they are: what was assigned in
  // them still counts as such. With BulkOptions::return_defaults new ones have
  // their key afterwards, and are detached objects with a row, which Add brings
  // into a session; if the transaction is rolled back they do not know.
  template <class Objects>
  absl::StatusOr<BulkReport> BulkSaveObjects(const Objects& objects,
                                             const BulkOptions& options = {},
                                             const BindArguments& bind = {});

  // Writes all changes: INSERTs, UPDATEs of changed columns only, DELETEs.
  // Keys that the databases made are then in the objects. An error found before
  // the first statement (a missing or wrong shard key, an unbound class) writes
  // nothing and can be mended; any later one can only be rolled back.
  // kAborted: an object's row was changed or deleted by someone else.
  // kFailedPrecondition: a constraint, or a trigger or rule that keeps rows of
  // an INSERT out.
  absl::Status Flush() { return core_->Flush(); }

  // Flushes, then commits on every database or on none (AtomicCommit in
  // two_phase/atomic_commit.h says how), and says what became of each share: OK
  // means that it is decided, though some may still be pending. The session is
  // then ready for more. Errors mean that nothing was committed, but for two:
  //
  //   InDoubtOf(status)     the database that decides was lost while it did;
  //                         the answer will come, see Resolve
  //   AnswerLostOf(status)  only one database wrote, and the answer to its
  //                         COMMIT was lost: look before you repeat
  //
  // kAborted: try again. kFailedPrecondition: a statement failed in this
  // transaction, or its databases cannot be in one: with nothing committed, the
  // transaction goes on, for you to roll back. Where only one database was
  // written to this is a plain commit.
  //
  // With two_phase off databases are committed one after the other: when one
  // fails after the writes of others were committed, the error is kDataLoss,
  // and CommitResultOf() tells which.
  absl::StatusOr<CommitResult> Commit() { return core_->Commit(); }

  // The first half of Commit on its own: when it succeeds every database but
  // the one that decides has promised to commit. No durable promise, since
  // that one has not. Only Commit, Rollback and Close may follow, and soon:
  // recovery, in any process, ends what lies prepared for longer than its
  // RecoveryOptions::recover_after (5 s), and Commit then says kAborted; unless
  // a SQLite file decides, whose lock keeps recovery waiting.
  // kFailedPrecondition: two_phase is off, or this is in a nested transaction.
  absl::Status Prepare() { return core_->Prepare(); }

  // What became of a transaction that was in doubt; finishes it, too. Ask
  // within RecoveryOptions::decision_retention: later the decision may be gone,
  // and the answer be kAbort. kNotFound: no database of the topology decides
  // over it. kUnavailable or another error: it still cannot be known.
  absl::StatusOr<Decision> Resolve(std::string_view transaction) {
    return core_->Resolve(transaction);
  }

  // A transaction inside the transaction: a savepoint on every database, those
  // that join later too. What is done from here on can be undone alone, after a
  // failed statement too. They nest; Commit and Rollback end all of them.
  absl::Status BeginNested() { return core_->BeginNested(); }
  // Ends the innermost, keeping its work. kFailedPrecondition: there is none.
  absl::Status CommitNested() { return core_->CommitNested(); }
  // Ends it, undoing its work; objects are as Rollback leaves them.
  absl::Status RollbackNested() { return core_->RollbackNested(); }

  // Undoes all since the last commit. New objects become transient again,
  // others are read again when next used.
  void Rollback() { core_->Rollback(); }

  // Reads the object's row now, dropping what was assigned and not flushed.
  // kNotFound: the row is gone.
  absl::Status Refresh(EntityBase& object) { return core_->Refresh(object); }
  // Has it read when next used.
  absl::Status Expire(EntityBase& object) { return core_->Expire(object); }
  void ExpireAll() { core_->ExpireAll(); }
  // Refresh and Expire of some attributes, with a SELECT of those alone:
  //   session.Refresh(*account, Account::c.note, Account::c.balance)
  // A primary key becomes that of the row again. kInvalidArgument: a column is
  // not one of the object's class.
  template <class... Columns>
  requires(sizeof...(Columns) > 0) absl::Status
      Refresh(EntityBase& object, const Columns&... columns);
  template <class... Columns>
  requires(sizeof...(Columns) > 0) absl::Status
      Expire(EntityBase& object, const Columns&... columns);
  // Lets go of the object; its changes are not written.
  absl::Status Expunge(EntityBase& object) { return core_->Expunge(object); }
  // The session's own copy of SessionOptions::info; Close leaves it alone.
  SessionInfo& info() { return core_->info(); }

  // Rolls back and lets go of all objects; what they read and did not write can
  // still be read from them, but for classes that a statement of the
  // transaction wrote, and for databases whose rows text of it changed. What
  // was done on a ConnectionFor is not known. The session can be used again.
  void Close() { core_->Close(); }

 private:
  friend class SessionCore;  // shows itself to listeners
  explicit ShardedSession(std::shared_ptr<SessionCore> core)
      : core_(std::move(core)) {}

  std::shared_ptr<SessionCore> core_;
};

// The name of a session over one database.
using Session = ShardedSession;

}  // namespace shard

#include "shard/session/typed_bulk.h"     // IWYU pragma: export
#include "shard/session/typed_session.h"  // IWYU pragma: export

#endif  // SHARD_SESSION_SHARDED_SESSION_H_
