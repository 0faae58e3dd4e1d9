// A bulk operation: from rows to statements.
#ifndef SHARD_SESSION_BULK_WRITER_H_
#define SHARD_SESSION_BULK_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/bulk_options.h"
#include "shard/session/bulk_part.h"
#include "shard/session/bulk_report.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/bulk_step.h"
#include "shard/session/transaction.h"

namespace shard {

// Used once. Plan looks at all rows, routes them, and groups those of each
// share that have the same shape; an error there, which names the row, writes
// nothing. Then the shares run their groups side by side, each in its order. An
// error while running poisons the transaction.
class BulkWriter {
 public:
  // What the caller said of where the rows are.
  struct Where {
    std::optional<Bind> place{};  // all of them
    std::optional<ShardId> shard{};
    absl::Span<const ShardId> shards{};
    const sql::Parameters* arguments = nullptr;
  };
  BulkWriter(const Where& where, BindResolver* resolver,
             Transaction* transaction, const BulkOptions* options,
             BulkReport* report)
      : where_(where),
        resolver_(*resolver),
        transaction_(*transaction),
        options_(*options),
        report_(*report) {}

  // `rows` must live as long as this. Parts are written in their order.
  absl::Status Plan(BulkKind kind, BulkRows* rows);
  bool has_work() const { return !queues_.empty(); }
  // Upserts may find a row by more than its primary key.
  bool may_write_other_keys() const { return !options_.conflict.empty(); }
  absl::Status Run();

  // Calls `visit(part)` with the part of each statement.
  template <class Visit>
  void ForEachStep(Visit&& visit) const {
    for (const auto& queue : queues_) {
      for (const auto& step : queue.steps) visit(step->part());
    }
  }
  // Calls `visit(part, index, share)` for each row that was planned and
  // is not a new one.
  template <class Visit>
  void ForEachKnown(Visit&& visit) const {
    for (const auto& queue : queues_) {
      for (const auto& step : queue.steps) {
        if (step->part().kind() == BulkKind::kInsert) continue;
        for (const std::uint32_t index : step->rows()) {
          visit(step->part(), index, *queue.share);
        }
      }
    }
  }

 private:
  struct Queue {
    Share* share;
    std::vector<std::unique_ptr<BulkStep>> steps;
    std::size_t next = 0;

    bool done() const { return next == steps.size(); }
  };
  struct GroupId {
    const BulkPart* part;
    const Share* share;
    std::uint64_t values, expressions, updated;
    BulkKeySource key;
    friend bool operator==(const GroupId&, const GroupId&) = default;
    template <class H>
    friend H AbslHashValue(H h, const GroupId& id) {
      return H::combine(std::move(h), id.part, id.share, id.values,
                        id.expressions, id.updated, id.key);
    }
  };
  absl::Status PlanOne(BulkPart& part, std::size_t index);
  absl::Status PlanAlike(BulkPart& part, const BulkShape& shape);
  // What is wrong with the row in row_, or where it goes.
  absl::StatusOr<Bind> Examine(BulkPart& part, std::size_t index,
                               BulkShape* shape);
  absl::Status Refuse(const BulkPart& part, std::size_t index,
                      const absl::Status& error);
  // Where the resolver sends request_.
  absl::StatusOr<Bind> Route();
  absl::StatusOr<Bind> PlaceOf(const BulkPart& part);
  absl::Status CheckStays(const BulkPart& part, const Bind& bind);
  absl::Status CheckUpsert(const BulkPart& part) const;
  // bulk_everywhere.cc: of a part whose rows stand on all shards.
  absl::Status FindEverywhere(const BulkPart& part);
  static absl::Status CheckSameEverywhere(const BulkPart& part,
                                          const BulkShape& shape);
  // Also has the other shards write the row of a step.
  absl::Status AddToOthers(const BulkPart& part, const BulkShape& shape,
                           std::size_t index, BulkStep* first);
  // The step that rows of the shape are added to next on the share.
  absl::StatusOr<BulkStep*> StepFor(const BulkPart& part, Share& share,
                                    const BulkShape& shape);
  Queue& QueueOf(Share& share);
  absl::Status RunOnce(bool* ran);
  absl::Status RunToTheEnd(Queue& queue);
  absl::Status Apply(Queue& queue);
  void Count();

  const Where where_;
  BindResolver& resolver_;
  Transaction& transaction_;
  const BulkOptions& options_;
  BulkReport& report_;
  std::deque<BulkPart> parts_;
  std::deque<Queue> queues_;
  absl::flat_hash_map<GroupId, BulkStep*> groups_;
  BulkStep* latest_ = nullptr;  // that a row was added to
  Bind latest_bind_;            // and where that row goes
  // Of the part, and the row, that is being planned.
  std::vector<const sql::Column*> shard_key_;
  BindSet everywhere_;  // where all of the part's rows go; none: each to one
  BindRequest request_;
  BulkRow row_;
  bool unroutable_ = false;  // it, and not for the key that it has
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_WRITER_H_
