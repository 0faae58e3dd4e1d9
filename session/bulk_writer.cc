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
#include "shard/session/bulk_returning_step.h"
#include "shard/session/bulk_upsert_step.h"
#include "shard/session/bulk_write_step.h"
#include "shard/session/fan_out.h"
#include "shard/session/flush_fields.h"
#include "shard/session/object_key_reader.h"

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

// And not about a database.
bool IsAboutTheRow(const absl::Status& error) {
  return absl::IsInvalidArgument(error) || absl::IsOutOfRange(error) ||
         absl::IsFailedPrecondition(error) || absl::IsNotFound(error);
}

absl::Status CheckMapping(BulkKind kind, const Mapping& mapping) {
  if (kind == BulkKind::kInsert || !mapping.key_fields().empty() ||
      !mapping.status().ok()) {
    return mapping.status();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "table '", mapping.table().name(),
      "' has no primary key, which says whose row one is: rows can be inserted "
      "only"));
}

}  // namespace

// The row of that key may be on another shard, unless the shard key is in what
// makes the row the same.
absl::Status BulkWriter::CheckUpsert(const BulkPart& part) const {
  const Mapping& mapping = part.mapping();
  if (mapping.version() == VersionKind::kClient && !mapping.counts_versions()) {
    return absl::UnimplementedError(absl::StrCat(
        "an upsert of ", mapping.class_info().name,
        ", whose versions a function makes, would have to know the one that "
        "the row has; update and insert instead"));
  }
  if (options_.return_defaults && !options_.conflict.empty() &&
      !mapping.options().returning) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an upsert of ", mapping.class_info().name,
        " by other columns than its key has to ask for the keys by RETURNING, "
        "which the class goes without (NoReturning); leave out "
        "return_defaults"));
  }
  if (where_.place.has_value() || where_.shard.has_value() ||
      !where_.shards.empty()) {
    return absl::OkStatus();
  }
  std::vector<const sql::Column*> target = options_.conflict;
  if (target.empty()) target = mapping.table().primary_key();
  for (const sql::Column* column : shard_key_) {
    if (std::find(target.begin(), target.end(), column) != target.end()) {
      continue;
    }
    return absl::UnimplementedError(absl::StrCat(
        "an upsert of ", mapping.class_info().name,
        " looks for a row of the same key on the row's own shard only, and "
        "shard key '",
        column->QualifiedName(),
        "' is no part of that, so the row may be on another one; name the "
        "shard, if it cannot be"));
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::Plan(BulkKind kind, BulkRows* rows) {
  SHARD_RETURN_IF_ERROR(CheckMapping(kind, rows->mapping()));
  BulkPart& part = parts_.emplace_back(kind, rows, &options_);
  shard_key_ = resolver_.ShardKey(part.mapping().class_info());
  if (kind == BulkKind::kUpsert) SHARD_RETURN_IF_ERROR(CheckUpsert(part));
  request_ = {};
  request_.class_info = &part.mapping().class_info();
  request_.operation = Operation::kBulk;
  request_.arguments = where_.arguments;
  request_.history = &transaction_;
  request_.shards = where_.shards;
  SHARD_RETURN_IF_ERROR(FindEverywhere(part));
  if (const auto shape = part.CommonShape(); shape.has_value()) {
    return PlanAlike(part, *shape);
  }
  for (std::size_t i = 0; i < rows->size(); ++i) {
    SHARD_RETURN_IF_ERROR(PlanOne(part, i));
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::PlanOne(BulkPart& part, std::size_t index) {
  BulkShape shape;
  const absl::StatusOr<Bind> bind = Examine(part, index, &shape);
  if (!bind.ok()) return Refuse(part, index, bind.status());
  if (shape.nothing_to_do(part.kind())) {
    ++report_.unchanged;
    return absl::OkStatus();
  }
  // Most rows are like the one before.
  if (latest_ == nullptr || &latest_->part() != &part ||
      shape != latest_->shape() || *bind != latest_bind_) {
    SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(*bind));
    SHARD_ASSIGN_OR_RETURN(latest_, StepFor(part, *share, shape));
    latest_bind_ = *bind;
  }
  latest_->Add(index);
  return AddToOthers(part, shape, index, latest_);
}

// Of such rows only what the router asks for is read.
absl::Status BulkWriter::PlanAlike(BulkPart& part, const BulkShape& shape) {
  sql::ByteArena arena;
  if (!everywhere_.empty()) {
    SHARD_RETURN_IF_ERROR(CheckSameEverywhere(part, shape));
  }
  AlikeKeyReader reader(&part.rows(), shape.values, &arena);
  request_.object = &reader;
  request_.shard = where_.shard;
  std::vector<std::pair<Bind, BulkStep*>> steps;
  for (std::size_t i = 0; i < part.rows().size(); ++i) {
    arena.Clear();
    reader.set_index(i);
    const absl::StatusOr<Bind> bind =
        where_.place.has_value() ? *where_.place : Route();
    if (!bind.ok()) {
      SHARD_RETURN_IF_ERROR(Refuse(part, i, bind.status()));
      continue;
    }
    auto step =
        std::find_if(steps.begin(), steps.end(),
                     [&](const auto& known) { return known.first == *bind; });
    if (step == steps.end()) {
      SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(*bind));
      SHARD_ASSIGN_OR_RETURN(BulkStep * made, StepFor(part, *share, shape));
      step = steps.emplace(steps.end(), *bind, made);
    }
    step->second->Add(i);
    SHARD_RETURN_IF_ERROR(AddToOthers(part, shape, i, step->second));
  }
  return absl::OkStatus();
}

absl::Status BulkWriter::Refuse(const BulkPart& part, std::size_t index,
                                const absl::Status& error) {
  const std::size_t position = part.rows().position(index);
  absl::Status named = Annotate(error, absl::StrCat("row ", position + 1));
  if (!options_.skip_refused || unroutable_ || !IsAboutTheRow(error)) {
    return named;
  }
  report_.refused.push_back({position, std::move(named)});
  return absl::OkStatus();
}

absl::StatusOr<Bind> BulkWriter::Examine(BulkPart& part, std::size_t index,
                                         BulkShape* shape) {
  SHARD_RETURN_IF_ERROR(part.Look(index, &row_, shape));
  if (!everywhere_.empty()) {
    SHARD_RETURN_IF_ERROR(CheckSameEverywhere(part, *shape));
  }
  absl::StatusOr<Bind> bind = PlaceOf(part);
  if (bind.ok() && part.kind() != BulkKind::kInsert &&
      options_.return_defaults &&
      (part.mapping().key_set() & ~row_.given) == 0) {
    report_.keys[part.rows().position(index)] = KeyOf(part.mapping(), row_);
  }
  return bind;
}

absl::StatusOr<Bind> BulkWriter::Route() {
  if (!everywhere_.empty()) return everywhere_.front();
  absl::StatusOr<Bind> bind = resolver_.Resolve(request_);
  unroutable_ = absl::IsFailedPrecondition(bind.status());
  return bind;
}

absl::StatusOr<Bind> BulkWriter::PlaceOf(const BulkPart& part) {
  BulkKeyReader reader(part.mapping(), row_);
  request_.object = &reader;
  request_.shard = where_.shard;
  const bool known =
      part.kind() == BulkKind::kUpdate || part.kind() == BulkKind::kDelete;
  if (known && row_.object != nullptr && !row_.object->shard().is_none()) {
    request_.shard = row_.object->shard();
  }
  absl::StatusOr<Bind> bind =
      where_.place.has_value() ? *where_.place : Route();
  const bool may_leave =
      (part.kind() == BulkKind::kUpdate || part.kind() == BulkKind::kUpsert) &&
      (request_.shard.has_value() || !request_.shards.empty() ||
       where_.place.has_value());
  if (bind.ok() && may_leave && !shard_key_.empty()) {
    SHARD_RETURN_IF_ERROR(CheckStays(part, *bind));
  }
  return bind;
}

absl::Status BulkWriter::CheckStays(const BulkPart& part, const Bind& bind) {
  bool set = false;
  const sql::Column* missing = nullptr;
  for (const sql::Column* column : shard_key_) {
    if (!HasField(row_.given, column->index())) {
      missing = column;
    } else {
      set = set || !column->primary_key();
    }
  }
  // (An engine that is no shard of the resolver's is the caller's business.)
  if (!set || bind.shard.is_none()) return absl::OkStatus();
  BindRequest request = request_;
  request.shard.reset();
  request.shards = {};
  // An object knows the parts that did not change.
  AttributeBase* attributes[kMostFields];
  std::optional<ObjectKeyReader> of_object;
  if (row_.object != nullptr) {
    part.mapping().Attributes(*row_.object, attributes);
    request.object = &of_object.emplace(*row_.object, attributes);
  } else if (missing != nullptr) {
    return ColumnError(part.mapping(), missing->index(),
                       "is part of the shard key, of which another part is "
                       "set, and has no value, so that nobody can tell where "
                       "the row belongs");
  }
  SHARD_ASSIGN_OR_RETURN(const Bind belongs, resolver_.Resolve(request));
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

absl::StatusOr<BulkStep*> BulkWriter::StepFor(const BulkPart& part,
                                              Share& share,
                                              const BulkShape& shape) {
  const GroupId id{&part,
                   &share,
                   shape.values,
                   shape.expressions,
                   part.kind() == BulkKind::kUpsert ? shape.updated : 0,
                   shape.key};
  BulkStep*& step = groups_[id];
  Queue& queue = QueueOf(share);
  if (step == nullptr || (options_.preserve_order == BulkOrder::kRows &&
                          queue.steps.back().get() != step)) {
    SHARD_ASSIGN_OR_RETURN(auto made, MakeStep(part, shape, share.dialect()));
    step = queue.steps.emplace_back(std::move(made)).get();
  }
  return step;
}

absl::Status BulkWriter::Apply(Queue& queue) {
  BulkStep& step = *queue.steps[queue.next];
  if (step.role() != BulkStep::Role::kOther) {
    const absl::Status status = step.Apply(*queue.share, &report_.keys);
    if (!status.ok()) return queue.share->Failed(status);
  }
  if (step.done()) {
    step.Release();
    ++queue.next;
  }
  return absl::OkStatus();
}

// All of an embedded database's work, in whatever thread takes it: no other
// has to do with its rows.
absl::Status BulkWriter::RunToTheEnd(Queue& queue) {
  while (!queue.done()) {
    BulkStep& step = *queue.steps[queue.next];
    const absl::Status started = step.Start(*queue.share);
    // Part of it may have run: all or nothing.
    if (!started.ok()) return queue.share->Failed(started);
    SHARD_RETURN_IF_ERROR(step.Named(step.Finish(*queue.share)));
    SHARD_RETURN_IF_ERROR(Apply(queue));
  }
  return absl::OkStatus();
}

// Embedded databases get all of their rows, servers a chunk each.
absl::Status BulkWriter::RunOnce(bool* ran) {
  std::vector<FanOutTask> tasks;
  std::vector<Queue*> fed;
  for (Queue& queue : queues_) {
    if (queue.done()) continue;
    Connection& connection = queue.share->connection();
    if (connection.works_in_finish()) {
      tasks.push_back({&connection, [] { return absl::OkStatus(); },
                       [this, &queue] { return RunToTheEnd(queue); },
                       absl::OkStatus()});
      continue;
    }
    BulkStep* const step = queue.steps[queue.next].get();
    const bool is_last = queue.next + 1 == queue.steps.size() &&
                         step->is_at_last_chunk(connection);
    fed.push_back(&queue);
    tasks.push_back({&connection,
                     [this, step, is_last, share = queue.share] {
                       if (is_last) transaction_.ExpectCommit(*share);
                       const absl::Status status = step->Start(*share);
                       return status.ok() ? status : share->Failed(status);
                     },
                     [step, share = queue.share] {
                       return step->Named(step->Finish(*share));
                     },
                     absl::OkStatus()});
  }
  *ran = !tasks.empty();
  SHARD_RETURN_IF_ERROR(FanOut(absl::MakeSpan(tasks)));
  for (Queue* queue : fed) SHARD_RETURN_IF_ERROR(Apply(*queue));
  return absl::OkStatus();
}

void BulkWriter::Count() {
  for (const Queue& queue : queues_) {
    for (const auto& step : queue.steps) {
      if (step->role() == BulkStep::Role::kOther) continue;
      std::size_t* const counts[] = {&report_.inserted, &report_.updated,
                                     &report_.upserted, &report_.deleted};
      *counts[static_cast<std::size_t>(step->part().kind())] +=
          step->rows().size();
    }
  }
}

absl::Status BulkWriter::Run() {
  std::vector<Share*> shares;
  for (const Queue& queue : queues_) shares.push_back(queue.share);
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  SHARD_RETURN_IF_ERROR(transaction_.CheckMayWrite(shares));
  for (bool more = true; more;) SHARD_RETURN_IF_ERROR(RunOnce(&more));
  for (const Queue& queue : queues_) {
    for (const auto& step : queue.steps) {
      const absl::Status status = step->ApplyLate();
      if (!status.ok()) return queue.share->Failed(status);
    }
  }
  Count();
  return absl::OkStatus();
}

}  // namespace shard
