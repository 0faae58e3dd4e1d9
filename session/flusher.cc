#include "shard/session/flusher.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/fan_out.h"
#include "shard/session/flush_fields.h"
#include "shard/session/forget_place.h"
#include "shard/session/shard_key_change.h"
#include "shard/sql/statement.h"

namespace shard {

FlushStep* Flusher::AddStep(Share& share, StepKind kind,
                            std::unique_ptr<FlushStep> step) {
  auto entry = std::find_if(plan_.begin(), plan_.end(), [&share](auto& known) {
    return known.first == &share;
  });
  if (entry == plan_.end()) {
    entry = plan_.emplace(plan_.end(), &share, Steps());
  }
  Steps& steps = entry->second;
  const auto last_alike =
      std::find_if(steps.rbegin(), steps.rend(), [&](const PlannedStep& known) {
        return known.kind == kind && &known.step->mapping() == &step->mapping();
      });
  const auto place =
      last_alike == steps.rend() ? steps.end() : last_alike.base();
  return steps.insert(place, {kind, std::move(step)})->step.get();
}

absl::StatusOr<Share*> Flusher::ShareOf(const EntityBase& object) {
  // Most objects are where the one before is.
  if (latest_place_.share != nullptr &&
      latest_place_.mapping == &object.mapping() &&
      latest_place_.shard == object.shard()) {
    return latest_place_.share;
  }
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*>* everywhere,
                         EverywhereOf(object.mapping()));
  if (!everywhere->empty()) return everywhere->front();
  BindRequest request;
  request.class_info = &object.mapping().class_info();
  request.operation = Operation::kFlush;
  request.history = &transaction_;
  if (!object.shard().is_none()) request.shard = object.shard();
  SHARD_ASSIGN_OR_RETURN(const Bind bind, resolver_.Resolve(request));
  SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(bind));
  latest_place_ = {&object.mapping(), object.shard(), share};
  return share;
}

std::uint64_t Flusher::ShardKeyOf(const Mapping& mapping) {
  if (latest_shard_key_.mapping != &mapping) {
    latest_shard_key_ = {&mapping, ShardKeyFieldsOf(resolver_, mapping)};
  }
  return latest_shard_key_.fields;
}

absl::Status Flusher::CheckStaysOnShard(EntityBase& object,
                                        AttributeBase* const* attributes,
                                        std::uint64_t changed) {
  const Mapping& mapping = object.mapping();
  if ((changed & ShardKeyOf(mapping)) == 0) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const Bind bind,
                         PlaceByShardKey(resolver_, object, attributes));
  if (bind.shard == object.shard()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the new shard key of ", mapping.class_info().name, " ",
      InstanceAccess::State(object).key.DebugString(), " belongs on shard '",
      bind.shard.name(), "', but its row is on shard '", object.shard().name(),
      "'; delete the object and add a new one, or let "
      "SessionOptions::shard_key_change be kMoveRow"));
}

// The last chance to refuse with nothing written.
absl::Status Flusher::OpenShares() {
  std::vector<Share*> shares;
  for (const auto& entry : plan_) shares.push_back(entry.first);
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  return transaction_.CheckMayWrite(shares);
}

// In rounds: the next step of each share, unless it waits for another's.
absl::Status Flusher::RunSteps() {
  std::vector<std::size_t> next(plan_.size(), 0);
  while (true) {
    std::vector<std::size_t> running;
    std::vector<FanOutTask> tasks;
    bool waits = false;
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      auto& [share, steps] = plan_[i];
      if (next[i] == steps.size()) continue;
      FlushStep* step = steps[next[i]].step.get();
      if (!step->ready()) {
        waits = true;
        continue;
      }
      const bool is_last = next[i] + 1 == steps.size();
      running.push_back(i);
      tasks.push_back({&share->connection(),
                       [this, step, is_last, share = share] {
                         if (is_last) transaction_.ExpectCommit(*share);
                         absl::Status status = step->Start(*share);
                         // Part of a flush may have run: all or nothing.
                         return status.ok() ? status : share->Failed(status);
                       },
                       [step, share = share] { return step->Finish(*share); },
                       absl::OkStatus()});
    }
    if (tasks.empty()) {
      if (!waits) return absl::OkStatus();
      return plan_.front().first->Failed(absl::InternalError(
          "the steps of a flush wait for each other; do two routers have each "
          "other's shards?"));
    }
    SHARD_RETURN_IF_ERROR(FanOut(absl::MakeSpan(tasks)));
    for (const std::size_t i : running) {
      auto& [share, steps] = plan_[i];
      FlushStep& step = *steps[next[i]++].step;
      const absl::Status status = step.Apply(*share, loader_);
      if (!status.ok()) return share->Failed(status);
      step.set_applied();
    }
  }
}

void Flusher::ForgetMissed() {
  for (const auto& [share, steps] : plan_) {
    for (const PlannedStep& planned : steps) {
      EntityBase* const object = planned.step->missed();
      if (object != nullptr) ForgetPlace(resolver_, *object);
    }
  }
}

absl::Status Flusher::LoadWhatWasMade() {
  for (const Made& made : to_load_) {
    const InstanceState& state = InstanceAccess::State(*made.object);
    absl::Status status = state.host->LoadMade(*made.object, made.fields);
    if (status.ok()) continue;
    if (absl::IsNotFound(status)) {
      status = absl::FailedPreconditionError(absl::StrCat(
          state.mapping->class_info().name, " ", state.key.DebugString(),
          " was written, and its row is not there to be read back; does a "
          "trigger or rule delete rows or put them elsewhere? Then let the "
          "class fetch nothing: neither EagerDefaults kOn nor a version"));
    }
    // Its row was written: all or nothing.
    return made.share->Failed(status);
  }
  return absl::OkStatus();
}

void Flusher::RestoreNulls() {
  for (const auto& [object, fields] : nulls_) {
    AttributeBase* attributes[kMostFields];
    object->mapping().Attributes(*object, attributes);
    for (std::size_t i = 0; i < object->mapping().fields().size(); ++i) {
      // Unless a client default has filled it, or its row was written.
      if (HasField(fields, i) &&
          attributes[i]->state() == AttributeState::kUnset) {
        AttributeAccess::SetState(*attributes[i], AttributeState::kModified);
      }
    }
  }
}

absl::Status Flusher::Plan(const UnitOfWork& work) {
  left_ = work.added.size();
  for (const auto& object : work.added) {
    SHARD_RETURN_IF_ERROR(PlanInsert(*object));
    --left_;
  }
  left_ = work.changed.size();
  for (const auto& object : work.changed) {
    SHARD_RETURN_IF_ERROR(PlanUpdate(*object));
    --left_;
  }
  left_ = work.deleted.size();
  for (const auto& object : work.deleted) {
    SHARD_RETURN_IF_ERROR(PlanDelete(*object));
    --left_;
  }
  loader_.Expect(work.added.size());
  return OpenShares();
}

absl::Status Flusher::Check(const UnitOfWork& work) {
  const absl::Status status = Plan(work);
  RestoreNulls();
  return status;
}

absl::Status Flusher::Run(UnitOfWork& work) {
  const std::ptrdiff_t changed = std::ssize(work.changed);
  absl::Status status = Plan(work);
  if (status.ok()) status = RunSteps();
  if (status.ok()) status = LoadWhatWasMade();
  if (!status.ok()) {
    ForgetMissed();
    RestoreNulls();
    return status;
  }
  // The others their steps have settled.
  for (EntityBase* object : unchanged_) {
    InstanceAccess::State(*object).dirty = false;
  }
  work.gone.insert(work.gone.end(), work.deleted.begin(), work.deleted.end());
  work.added.clear();
  // Listeners may have changed more while it was read what was made.
  work.changed.erase(work.changed.begin(), work.changed.begin() + changed);
  work.deleted.clear();
  return absl::OkStatus();
}

}  // namespace shard
