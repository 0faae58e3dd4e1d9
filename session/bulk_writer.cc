#include "shard/session/bulk_writer.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/bulk_insert_step.h"
#include "shard/session/bulk_statement_step.h"
#include "shard/session/fan_out.h"
#include "shard/session/flush_fields.h"

namespace shard {
namespace {

absl::StatusOr<std::unique_ptr<BulkStep>> MakeStep(const BulkPart& part,
                                                   const BulkShape& shape,
                                                   const Dialect& dialect) {
  switch (part.kind()) {
    case BulkKind::kUpdate:
    case BulkKind::kDelete:
      return BulkWriteStep::Make(&part, shape, dialect);
    case BulkKind::kUpsert:
      return BulkUpsertStep::Make(&part, shape, dialect);
    case BulkKind::kInsert:
      break;
  }
  const bool told =
      part.options().return_defaults && shape.key == BulkKeySource::kReturned;
  if (shape.expressions != 0 || told) {
    return BulkReturningStep::Make(&part, shape, dialect);
  }
  return std::make_unique<BulkInsertStep>(&part, shape);
}

}  // namespace

// The row of that key may be on another shard, unless the shard key is in what
// makes the row the same.
absl::Status BulkWriter::CheckUpsert(const BulkPart& part) const {
  if (part.kind() != BulkKind::kUpsert || where_.named) return absl::OkStatus();
  std::vector<const sql::Column*> target = options_.conflict;
  if (target.empty()) target = part.mapping().table().primary_key();
  for (const sql::Column* column : shard_key_) {
    if (std::find(target.begin(), target.end(), column) != target.end()) {
      continue;
    }
    return absl::UnimplementedError(absl::StrCat(
        "an upsert of ", part.mapping().class_info().name,
        " looks for a row of the same key on the row's own shard only, and "
        "shard key '",
        column->QualifiedName(),
        "' is no part of that, so the row may be on another one; name the "
        "shard, if it cannot be"));
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::Plan(BulkKind kind, const BulkRows* rows) {
  SHARD_RETURN_IF_ERROR(rows->mapping().status());
  BulkPart& part = parts_.emplace_back(kind, rows, &options_);
  shard_key_ = where_.resolver->ShardKey(part.mapping().class_info());
  SHARD_RETURN_IF_ERROR(CheckUpsert(part));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    absl::Status status = PlanRow(part, i);
    if (status.ok()) continue;
    const std::size_t position = rows->position(i);
    status = Annotate(status, absl::StrCat("row ", position + 1));
    if (!options_.skip_refused) return status;
    report_.refused.push_back({position, std::move(status)});
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::PlanRow(BulkPart& part, std::size_t index) {
  BulkRow row;
  BulkShape shape;
  SHARD_RETURN_IF_ERROR(part.Look(index, &row, &shape));
  if (part.kind() != BulkKind::kInsert && options_.return_defaults &&
      (part.mapping().key_set() & ~row.given) == 0) {
    report_.keys[part.rows().position(index)] = KeyOf(part.mapping(), row);
  }
  SHARD_ASSIGN_OR_RETURN(const Bind bind, PlaceOf(part, row));
  if (shape.nothing_to_do(part.kind())) {
    ++report_.unchanged;
    return absl::OkStatus();
  }
  SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(bind));
  return AddToStep(part, *share, shape, index);
}

absl::StatusOr<Bind> BulkWriter::PlaceOf(const BulkPart& part,
                                         const BulkRow& row) {
  BulkKeyReader reader(part.mapping(), row);
  BindRequest request;
  request.class_info = &part.mapping().class_info();
  request.object = &reader;
  request.operation = Operation::kBulk;
  request.shard = where_.shard;
  const bool known =
      part.kind() == BulkKind::kUpdate || part.kind() == BulkKind::kDelete;
  if (known && row.object != nullptr && !row.object->shard().is_none()) {
    request.shard = row.object->shard();
  }
  absl::StatusOr<Bind> bind = where_.place(request);
  if (!bind.ok() || part.kind() != BulkKind::kUpdate ||
      !request.shard.has_value()) {
    return bind;
  }
  SHARD_RETURN_IF_ERROR(CheckStays(part, row, request, *bind));
  return bind;
}

absl::Status BulkWriter::CheckStays(const BulkPart& part, const BulkRow& row,
                                    BindRequest request, const Bind& bind) {
  if (shard_key_.empty()) return absl::OkStatus();
  bool set = false;
  for (const sql::Column* column : shard_key_) {
    if (!HasField(row.given, column->index())) return absl::OkStatus();
    set = set || !column->primary_key();
  }
  if (!set) return absl::OkStatus();
  request.shard.reset();
  SHARD_ASSIGN_OR_RETURN(const Bind belongs, where_.resolver->Resolve(request));
  if (belongs.shard == bind.shard) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      part.mapping().class_info().name, ".", shard_key_.front()->name(),
      ": the new shard key belongs on shard '", belongs.shard.name(),
      "', but the row is on shard '", bind.shard.name(),
      "'; delete the row and insert it anew"));
}

BulkWriter::Queue& BulkWriter::QueueOf(Share& share) {
  for (Queue& queue : queues_) {
    if (queue.share == &share) return queue;
  }
  return queues_.emplace_back(Queue{&share, {}, 0});
}

absl::Status BulkWriter::AddToStep(const BulkPart& part, Share& share,
                                   const BulkShape& shape, std::size_t index) {
  const GroupId id{&part,
                   &share,
                   shape.values,
                   shape.expressions,
                   part.kind() == BulkKind::kUpsert ? shape.updated : 0,
                   shape.key};
  // Most rows are like the one before.
  if (latest_ != nullptr && id == latest_id_) {
    latest_->Add(index);
    return absl::OkStatus();
  }
  BulkStep*& step = groups_[id];
  Queue& queue = QueueOf(share);
  if (step == nullptr || (options_.preserve_order == BulkOrder::kRows &&
                          queue.steps.back().get() != step)) {
    SHARD_ASSIGN_OR_RETURN(auto made, MakeStep(part, shape, share.dialect()));
    step = queue.steps.emplace_back(std::move(made)).get();
  }
  step->Add(index);
  latest_id_ = id;
  latest_ = step;
  return absl::OkStatus();
}

absl::Status BulkWriter::RunOnce(bool* ran) {
  std::vector<FanOutTask> tasks;
  std::vector<Queue*> running;
  for (Queue& queue : queues_) {
    if (queue.next == queue.steps.size()) continue;
    BulkStep* const step = queue.steps[queue.next].get();
    if (queue.next + 1 == queue.steps.size()) {
      transaction_.ExpectCommit(*queue.share);
    }
    running.push_back(&queue);
    tasks.push_back(
        {&queue.share->connection(),
         [step, share = queue.share] {
           const absl::Status status = step->Start(*share);
           // Part of it may have run: all or nothing.
           return status.ok() ? status : share->Failed(status);
         },
         [step, share = queue.share] { return step->Finish(*share); },
         absl::OkStatus()});
  }
  *ran = !tasks.empty();
  SHARD_RETURN_IF_ERROR(FanOut(absl::MakeSpan(tasks)));
  for (Queue* queue : running) {
    BulkStep& step = *queue->steps[queue->next];
    const absl::Status status = step.Apply(*queue->share, &report_);
    if (!status.ok()) return queue->share->Failed(status);
    if (!step.done()) continue;
    step.Release();
    ++queue->next;
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::Run() {
  std::vector<Share*> shares;
  for (const Queue& queue : queues_) shares.push_back(queue.share);
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  SHARD_RETURN_IF_ERROR(transaction_.CheckMayWrite(shares));
  for (bool more = true; more;) SHARD_RETURN_IF_ERROR(RunOnce(&more));
  return absl::OkStatus();
}

}  // namespace shard
