// The flush: from the unit of work to statements.
#ifndef SHARD_SESSION_FLUSHER_H_
#define SHARD_SESSION_FLUSHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/flush_fields.h"
#include "shard/session/flush_step.h"
#include "shard/session/mapping_statements.h"
#include "shard/session/object_loader.h"
#include "shard/session/transaction.h"
#include "shard/session/unit_of_work.h"

namespace shard {

class CopyStep;

// One flush; used once. First everything is planned: defaults filled in,
// objects routed, statements chosen. An error there writes nothing. Then the
// shares run their steps side by side: INSERTs, UPDATEs, DELETEs. Objects of
// one class that set the same fields go to their shard in one statement or
// batch, whatever stands between them. An error while running poisons the
// transaction.
class Flusher {
 public:
  Flusher(BindResolver* resolver, Transaction* transaction,
          MappingStatements* statements, ObjectLoader* loader)
      : resolver_(*resolver),
        transaction_(*transaction),
        statements_(*statements),
        loader_(*loader) {}

  // Writes all of `work`. On success its lists are empty, and `work.gone` has
  // the deleted objects. On error the lists are as they were.
  absl::Status Run(UnitOfWork& work);
  // Whether all of `work` can be planned: what Run would refuse with nothing
  // written.
  absl::Status Check(const UnitOfWork& work);

 private:
  enum class StepKind : std::uint8_t { kInsert, kUpdate, kDelete };
  struct PlannedStep {
    StepKind kind;
    std::unique_ptr<FlushStep> step;
  };
  using Steps = std::vector<PlannedStep>;
  // Objects that can share a statement: same share, class, kind and fields.
  struct GroupId {
    const Share* share;
    const Mapping* mapping;
    std::uint64_t fields;
    StepKind kind;
    friend bool operator==(const GroupId&, const GroupId&) = default;
    template <class H>
    friend H AbslHashValue(H h, const GroupId& id) {
      return H::combine(std::move(h), id.share, id.mapping, id.fields, id.kind);
    }
  };

  // flusher_inserts.cc
  absl::Status PlanInsert(EntityBase& object);
  // Where a new object belongs that does not belong everywhere.
  absl::StatusOr<Share*> ShareOfNew(EntityBase& object,
                                    AttributeBase* const* attributes);
  // `fields` are set, `returned` wanted back.
  absl::StatusOr<std::unique_ptr<FlushStep>> MakeInsertStep(
      const Mapping& mapping, Share& share, std::uint64_t fields,
      std::uint64_t returned, bool numbered);
  absl::Status PlanInsertWithExpressions(EntityBase& object,
                                         AttributeBase* const* attributes,
                                         Share& share, std::uint64_t fields,
                                         std::uint64_t returned);
  // flusher_updates.cc
  absl::Status PlanUpdate(EntityBase& object);
  absl::Status PlanDelete(EntityBase& object);
  absl::Status PlanUpdateWithExpressions(EntityBase& object,
                                         AttributeBase* const* attributes,
                                         Share& share, const FieldSets& sets,
                                         const sql::Expression& version);
  // What the UPDATE is to bring back; where it cannot, the object is put among
  // those to load.
  absl::StatusOr<std::uint64_t> ReturnedByUpdate(const Mapping& mapping,
                                                 const FieldSets& sets,
                                                 EntityBase& object,
                                                 Share& share);

  // flusher_copies.cc: rows that stand on all shards.
  // Where all rows of the class are written, the first first; none: each where
  // it belongs. Good until the flush is over.
  absl::StatusOr<const std::vector<Share*>*> EverywhereOf(
      const Mapping& mapping);
  // Of such a row, what its INSERT on the first shard is to bring back, the key
  // aside. kInvalidArgument where it cannot.
  static absl::StatusOr<std::uint64_t> FetchedForCopies(const Mapping& mapping,
                                                        const FieldSets& sets);
  // kInvalidArgument where what the database makes of `made` does not come
  // back.
  static absl::Status CheckFetchesForCopies(const Mapping& mapping,
                                            std::uint64_t made);
  absl::StatusOr<std::unique_ptr<CopyStep>> MakeCopy(const FlushStep* original,
                                                     StepKind kind,
                                                     std::uint64_t fields,
                                                     const Share& first,
                                                     const Share& other);
  // For an object that was added to `original`, which is to run on the first
  // share: the others, if there are any, get these fields.
  absl::Status AddCopies(const FlushStep* original, StepKind kind,
                         std::uint64_t fields, EntityBase& object,
                         AttributeBase* const* attributes);

  // Where the row of a persistent object is written.
  absl::StatusOr<Share*> ShareOf(const EntityBase& object);
  // The fields that say where an object belongs.
  std::uint64_t ShardKeyOf(const Mapping& mapping);
  // kFailedPrecondition, naming both shards, when the object's new shard key
  // belongs to another shard than its row is on.
  absl::Status CheckStaysOnShard(EntityBase& object,
                                 AttributeBase* const* attributes,
                                 std::uint64_t changed);
  // Puts a step behind those of its kind and class, so that a class's rows are
  // written before those of a class that came later.
  FlushStep* AddStep(Share& share, StepKind kind,
                     std::unique_ptr<FlushStep> step);
  // The step of a group; `make` makes the first.
  template <class Make>
  absl::StatusOr<FlushStep*> StepFor(const GroupId& id, Share& share,
                                     Make&& make);
  absl::Status OpenShares();
  absl::Status RunSteps();
  // After an error: the router forgets where rows were that were not there, so
  // that a retry finds those that have moved.
  void ForgetMissed();
  absl::Status Plan(const UnitOfWork& work);
  // After an error: what is nullopt can be read as that again.
  void RestoreNulls();
  // For classes that want back what RETURNING may not tell.
  absl::Status LoadWhatWasMade();

  BindResolver& resolver_;
  Transaction& transaction_;
  MappingStatements& statements_;
  ObjectLoader& loader_;
  std::vector<std::pair<Share*, Steps>> plan_;
  absl::flat_hash_map<GroupId, FlushStep*> groups_;
  GroupId latest_id_{};
  FlushStep* latest_step_ = nullptr;  // of latest_id_
  struct Place {
    const Mapping* mapping = nullptr;
    ShardId shard;
    Share* share = nullptr;
  };
  Place latest_place_;  // that ShareOf has found
  absl::flat_hash_map<const Mapping*, std::unique_ptr<std::vector<Share*>>>
      everywhere_;
  struct Everywhere {
    const Mapping* mapping = nullptr;
    const std::vector<Share*>* shares = nullptr;
  };
  Everywhere latest_everywhere_;  // that EverywhereOf has found
  absl::flat_hash_map<const FlushStep*, std::vector<CopyStep*>> copies_;
  struct ShardKeyFields {
    const Mapping* mapping = nullptr;
    std::uint64_t fields = 0;
  };
  ShardKeyFields latest_shard_key_;  // that ShardKeyOf has found
  struct Made {
    EntityBase* object;
    Share* share;
    std::uint64_t fields;
  };
  std::vector<Made> to_load_;  // by LoadWhatWasMade
  // In the list of changes, with nothing to write.
  std::vector<EntityBase*> unchanged_;
  // What was nullopt and became unset, fields of new objects.
  std::vector<std::pair<EntityBase*, std::uint64_t>> nulls_;
  std::size_t left_ = 0;  // objects of one kind that are still to be planned
};

template <class Make>
absl::StatusOr<FlushStep*> Flusher::StepFor(const GroupId& id, Share& share,
                                            Make&& make) {
  // Most objects are like the one before.
  if (latest_step_ != nullptr && id == latest_id_) return latest_step_;
  FlushStep*& step = groups_[id];
  if (step == nullptr) {
    absl::StatusOr<std::unique_ptr<FlushStep>> made = make();
    if (!made.ok()) return made.status();
    // A guess: the rest comes in equal parts.
    (*made)->Reserve(left_ / groups_.size());
    step = AddStep(share, id.kind, *std::move(made));
  }
  latest_id_ = id;
  latest_step_ = step;
  return step;
}

}  // namespace shard

#endif  // SHARD_SESSION_FLUSHER_H_
