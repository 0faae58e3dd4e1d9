// The session without types: what ShardedSession is a typed face of.
#ifndef SHARD_SESSION_SESSION_CORE_H_
#define SHARD_SESSION_SESSION_CORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/participant.h"
#include "shard/router/explanation.h"
#include "shard/session/bind_arguments.h"
#include "shard/session/bulk_options.h"
#include "shard/session/bulk_report.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/commit_result.h"
#include "shard/session/execution_options.h"
#include "shard/session/identity_map.h"
#include "shard/session/mapping_statements.h"
#include "shard/session/no_autoflush.h"
#include "shard/session/object_loader.h"
#include "shard/session/object_reader.h"
#include "shard/session/result.h"
#include "shard/session/row_stream.h"
#include "shard/session/scatter_plan.h"
#include "shard/session/session_options.h"
#include "shard/session/share_part.h"
#include "shard/session/transaction.h"
#include "shard/session/unit_of_work.h"
#include "shard/sql/statement.h"

namespace shard {

class BulkWriter;
class Flusher;
class ShardedSession;

// What each function does and its errors: see ShardedSession. Stays at one
// address, since objects point back to it. Not thread-safe.
class SessionCore : public ObjectHost {
 public:
  explicit SessionCore(SessionOptions options);
  virtual ~SessionCore();
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

  // The life of objects (session_core.cc).
  absl::Status Add(const std::shared_ptr<EntityBase>& object);
  absl::Status Delete(const std::shared_ptr<EntityBase>& object);
  absl::Status Refresh(EntityBase& object);
  absl::Status Expire(EntityBase& object);
  absl::Status ExpireFields(EntityBase& object, std::uint64_t fields);
  void ExpireAll();
  absl::Status Expunge(EntityBase& object);

  // Objects read again, and copied from elsewhere (session_refresh.cc,
  // session_merge.cc). Fields: field i in bit i.
  absl::Status RefreshFields(EntityBase& object, std::uint64_t fields);
  absl::StatusOr<std::shared_ptr<EntityBase>> Merge(const EntityBase& given);

  // Transactions (session_transactions.cc).
  absl::Status Begin(const TransactionOptions& options) {
    return transaction_.Begin(options);
  }
  bool in_transaction() const { return transaction_.begun(); }
  SessionInfo& info() { return options_.info; }
  absl::Status Flush();
  absl::Status Prepare();
  absl::StatusOr<CommitResult> Commit();
  absl::StatusOr<Decision> Resolve(std::string_view transaction);
  void Rollback();
  void Close();
  absl::Status BeginNested();
  absl::Status CommitNested();
  absl::Status RollbackNested();

  // By primary key (session_get.cc).
  absl::StatusOr<std::shared_ptr<EntityBase>> Get(const Mapping& mapping,
                                                  const KeyValue& key,
                                                  const BindArguments& bind);

  // Reading and running statements (session_statements.cc).
  absl::StatusOr<Result> Execute(const sql::Statement& statement,
                                 const sql::Parameters& parameters,
                                 const BindArguments& bind,
                                 const ExecutionOptions& how);
  // Where it would go (session_explain.cc).
  absl::StatusOr<Explanation> Explain(const sql::Statement& statement,
                                      const sql::Parameters& parameters,
                                      const BindArguments& bind,
                                      const ExecutionOptions& how);
  // With many sets of parameters (session_execute_many.cc).
  absl::StatusOr<Result> ExecuteMany(const sql::Statement& statement,
                                     absl::Span<const sql::Parameters> sets,
                                     const BindArguments& bind,
                                     const ExecutionOptions& how);
  // Many rows at once (session_bulk.cc).
  absl::StatusOr<BulkReport> Bulk(BulkKind kind, BulkRows& rows,
                                  const BulkOptions& options,
                                  const BindArguments& bind);
  // Fields of plain structs that are not read, since somebody else makes them.
  std::uint64_t LeftOut(BulkKind kind, const Mapping& mapping,
                        const BulkOptions& options) const;
  absl::StatusOr<BulkReport> BulkSave(absl::Span<EntityBase* const> objects,
                                      const BulkOptions& options,
                                      const BindArguments& bind);
  absl::StatusOr<std::vector<std::shared_ptr<EntityBase>>> LoadObjects(
      const Mapping& mapping, const sql::Statement& statement,
      const sql::Parameters& parameters, const BindArguments& bind,
      const ExecutionOptions& how);
  // The rows of a SELECT, or its objects one by one.
  absl::StatusOr<std::shared_ptr<RowStream>> OpenRows(
      const sql::Statement& select, const sql::Parameters& parameters,
      const BindArguments& bind, const ExecutionOptions& how);
  absl::StatusOr<ObjectReader> OpenObjects(const Mapping& mapping,
                                           const sql::Statement& select,
                                           const sql::Parameters& parameters,
                                           const BindArguments& bind,
                                           const ExecutionOptions& how);
  absl::StatusOr<Connection*> ConnectionFor(const BindArguments& bind);
  NoAutoflush PauseAutoflush() { return NoAutoflush(&autoflush_pauses_); }

 private:
  // ObjectHost, for attributes.
  void ObjectChanged(EntityBase& object) override;
  absl::Status LoadExpired(EntityBase& object, std::uint16_t field) override;
  absl::Status LoadMade(EntityBase& object, std::uint64_t fields) override;

  absl::Status CheckHasRow(const EntityBase& object) const;
  // Forgets an object: it has no session any more.
  void Detach(EntityBase& object);
  // The same, after its row's deletion was committed.
  void LetGoOfDeleted(EntityBase& object);
  void RemoveFromLists(const EntityBase& object);
  // Gives a detached object that knows no shard the one of its shard key.
  void FindShardOf(EntityBase& object) const;
  // Makes every attribute but the key expired, and drops what was not flushed.
  void ExpireAttributes(EntityBase& object);
  // The same, but what was assigned and not flushed stays.
  void ExpireLoaded(EntityBase& object);
  void EndStreams();
  // After a commit of everything, or of the engines in `committed` only.
  void SettleCommit();
  enum class Reads { kExpire, kKeep };  // of objects that were only read
  void SettleRollback(const std::vector<const Engine*>& committed, Reads reads);
  // What a rollback undoes: how long the lists of the unit of work were when it
  // began, and from which InstanceState::inserted_at on objects are new. As
  // made: the whole transaction.
  struct Savepoint {
    std::size_t gone = 0;
    std::size_t rekeyed = 0;
    std::size_t inserted_from = 1;
  };
  absl::Status CheckNested(const char* verb) const;
  void UndoSince(Savepoint savepoint,
                 const std::vector<const Engine*>& committed, Reads reads);
  // Its row was inserted behind it.
  static bool IsNewSince(Savepoint savepoint, const EntityBase& object);
  void UndoObject(EntityBase& object, Savepoint savepoint, bool stays,
                  Reads reads);
  void RestoreIdentity(FormerIdentity former);
  void MakeTransient(EntityBase& object);

  // Events (session_events.cc).
  ShardedSession Face();
  absl::Status Ask(absl::Status (SessionListener::*question)(ShardedSession&));
  void Tell(void (SessionListener::*news)(ShardedSession&));
  void TellCommitted(const CommitResult& result);
  // What a flush writes, as its listeners hear of it.
  struct Written {
    std::vector<std::shared_ptr<EntityBase>> inserted, updated, deleted;
  };
  absl::StatusOr<Written> AskBeforeWriting();
  absl::Status AskBeforeUpdates(std::vector<bool>& asked);
  void TellWritten(const Written& written);
  // kFailedPrecondition from within a flush.
  absl::Status CheckNotFlushing(const char* verb) const;
  // The same, but before its listeners have had their say the session may be
  // changed.
  absl::Status CheckNotWriting(const char* verb) const;

  void ForgetUnchanged();
  absl::Status FlushForCommit(const char* verb);
  class PoisonOnException;
  void RollBack(Reads reads);
  absl::Status FlushOnce();
  absl::Status GiveKeys();  // to objects that are to be inserted
  Flusher MakeFlusher();
  // Objects whose rows go to other shards. True: there were some.
  absl::StatusOr<bool> MoveRows();
  absl::Status FlushAll();
  absl::Status Autoflush(const ExecutionOptions& how = {});
  BindRequest RequestFor(const sql::Statement& statement,
                         const sql::Parameters& parameters,
                         const BindArguments& bind,
                         const ExecutionOptions& how = {}) const;
  // Where the caller said, or else the resolver does (session_places.cc).
  Bind PlaceOf(const std::shared_ptr<Engine>& engine);
  absl::StatusOr<Bind> Resolve(const BindRequest& request,
                               const BindArguments& bind);
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request,
                                     const BindArguments& bind);
  // A read goes elsewhere when one of the engines cannot be reached and the
  // resolver knows another.
  absl::StatusOr<std::vector<Share*>> SharesFor(const BindRequest& request,
                                                const BindArguments& bind);
  // The same for what is in one place.
  absl::StatusOr<Share*> ShareFor(const BindRequest& request);
  // After an error from SharesAt: `binds` where else to try, or the error.
  absl::Status GoElsewhere(const BindRequest& request,
                           const BindArguments& bind,
                           const absl::Status& failure, BindSet* binds,
                           int* tries);
  absl::StatusOr<std::vector<Share*>> SharesAt(const BindSet& binds);
  // The same without opening them.
  absl::StatusOr<std::vector<Share*>> PlanShares(const BindSet& binds);
  // Before a statement that is no SELECT: whether it can run on all of several
  // shares, and what is to be done before it writes.
  static absl::Status CheckRunsOnAll(const sql::Statement& statement,
                                     const std::vector<Share*>& shares);
  absl::Status ExpectToWrite(const sql::Statement& statement,
                             const std::vector<Share*>& shares);
  // Of a request without an object: the statement that it is about, here.
  absl::StatusOr<std::shared_ptr<RowStream>> RunSelect(
      const BindRequest& request, const std::vector<Share*>& shares);
  absl::StatusOr<std::vector<SharePart>> PlanSelect(
      const BindRequest& request, const std::vector<Share*>& shares,
      ScatterPlan* plan);
  absl::StatusOr<Result> RunBuffered(const BindRequest& request,
                                     const std::vector<Share*>& shares,
                                     bool same_rows = false);
  // Whether the statement writes rows that stand on all shards.
  bool WritesEverywhere(const BindRequest& request, const BindArguments& bind);
  absl::StatusOr<Result> RunEverywhere(const BindRequest& request);
  absl::StatusOr<Explanation> ExplainInsert(const sql::InsertStatement& insert,
                                            BindRequest request,
                                            const BindArguments& bind);
  absl::StatusOr<Route> ExplainRoute(const BindRequest& request,
                                     const BindArguments& bind);
  absl::StatusOr<Result> RunInsert(const sql::InsertStatement& insert,
                                   const sql::Statement& statement,
                                   const sql::Parameters& parameters,
                                   const BindArguments& bind);
  struct PlacedSets;
  absl::StatusOr<Share*> PlaceInsert(const sql::InsertStatement& insert,
                                     const sql::Parameters& set,
                                     BindRequest request,
                                     const BindArguments& bind);
  absl::StatusOr<std::vector<PlacedSets>> PlaceSets(
      const sql::Statement& statement, absl::Span<const sql::Parameters> sets,
      const BindArguments& bind, const ExecutionOptions& how);
  BulkWriter MakeBulkWriter(const BindArguments& bind,
                            const BulkOptions* options, BulkReport* report);
  absl::Status RunBulk(BulkWriter& writer);
  void ExpireBulk(const BulkWriter& writer);
  // Rows written past the objects (session_written_rows.cc).
  void ExpireWritten(const sql::Statement& statement,
                     const ExecutionOptions& how);
  // An UPDATE or DELETE whose objects get what it writes
  // (session_synchronize.cc).
  static bool SynchronizesObjects(const sql::Statement& statement,
                                  const ExecutionOptions& how);
  absl::StatusOr<Result> RunSynchronized(const sql::Statement& statement,
                                         const sql::Parameters& parameters,
                                         const std::vector<Share*>& shares,
                                         const ExecutionOptions& how);
  // Its row was deleted past it.
  void NoteDeleted(const std::shared_ptr<EntityBase>& object);
  // Rows that statements have changed past the objects. What is read of them is
  // not committed, so that it does not outlive a Close.
  struct WrittenRows {
    const Engine* engine = nullptr;     // null: on any
    const sql::Table* table = nullptr;  // null: of any
    bool operator==(const WrittenRows&) const = default;
  };
  void NoteWritten(const WrittenRows& rows);
  // Of text it is only known where it changed rows.
  void NoteTextWrote(const sql::Statement& statement,
                     const std::vector<SharePart>& parts);
  bool IsAmongWritten(const EntityBase& object) const;

  // The object of a key that the session holds and no shard has, or null.
  std::shared_ptr<EntityBase> FindUnsharded(const Mapping& mapping,
                                            const KeyValue& key) const;
  // The object that `reader` tells the router of: held, or loaded; or null.
  absl::StatusOr<std::shared_ptr<EntityBase>> FindOrLoad(
      const Mapping& mapping, const KeyValue& key, KeyReader& reader,
      const BindArguments& bind);
  // The same at these places.
  absl::StatusOr<std::shared_ptr<EntityBase>> FindOrLoadAt(
      const Mapping& mapping, const KeyValue& key, BindRequest request,
      const BindArguments& bind, BindSet binds);
  absl::StatusOr<std::shared_ptr<EntityBase>> LoadFrom(
      const Mapping& mapping, const KeyValue& key, const BindRequest& request,
      const BindArguments& bind, BindSet binds);
  absl::StatusOr<std::shared_ptr<EntityBase>> MergeTarget(
      const EntityBase& given, AttributeBase* const* attributes);
  // Reads these fields of the object's row: those that are expired get them.
  absl::Status LoadFields(EntityBase& object, std::uint64_t fields);
  // An object by its key, from one share or whichever has it; null when there
  // is none.
  absl::StatusOr<std::shared_ptr<EntityBase>> LoadByKey(
      const Mapping& mapping, absl::Span<const sql::ValueView> key,
      Share& share);
  absl::StatusOr<std::shared_ptr<EntityBase>> LoadByKey(
      const Mapping& mapping, const KeyValue& key,
      const std::vector<Share*>& shares);

  SessionOptions options_;
  std::vector<std::shared_ptr<Engine>> engines_;  // named by callers
  std::size_t autoflush_pauses_ = 0;              // open NoAutoflush scopes
  IdentityMap identity_map_;
  UnitOfWork work_;
  Transaction transaction_;
  std::vector<WrittenRows> written_rows_;  // in this transaction
  std::vector<Savepoint> nested_;          // the innermost last
  enum class Flushing { kNo, kAsking, kWriting } flushing_ = Flushing::kNo;
  // What a listener has called in a flush, to be done once that is over.
  enum class Ending { kNone, kRollback, kClose };
  Ending wanted_after_flush_ = Ending::kNone;
  bool committing_ = false;    // until the session is flushed
  bool rolling_back_ = false;  // BeforeRollback is being told
  std::size_t rollbacks_ = 0;  // of all
  MappingStatements statements_;
  ObjectLoader loader_;
  std::vector<std::weak_ptr<RowStream>> streams_;  // of this transaction
  RowBatch scratch_;  // rows of point reads, without allocating
};

}  // namespace shard

#endif  // SHARD_SESSION_SESSION_CORE_H_
