#include "shard/session/update_step.h"

#include <bit>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"

namespace shard {

std::size_t UpdateStep::row_size() const {
  return static_cast<std::size_t>(std::popcount(fields_)) + condition_size();
}

void UpdateStep::Reserve(std::size_t objects) {
  FlushStep::Reserve(objects);
  values_.reserve(objects * row_size());
}

void UpdateStep::Add(EntityBase& object, AttributeBase* const* attributes) {
  objects_.push_back(&object);
  AppendFields(attributes, fields_);
  if (mapping_->version() == VersionKind::kClient) {
    const auto behind = static_cast<std::size_t>(
        std::popcount(fields_ >> mapping_->version_field()));
    values_[values_.size() - behind] = NextVersion(attributes);
  }
  AppendCondition(object, attributes);
}

absl::Status UpdateStep::Start(Share& share) {
  Request request = MakeRequest(*statement_);
  // (A version that a trigger makes would hide which row was missing.)
  request.one_row_each = mapping_->version() == VersionKind::kNone;
  return share.Start(request);
}

absl::Status UpdateStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome,
                         share.Finish(returned_ == 0 ? nullptr : &rows_));
  return CheckOneRowEach(outcome, "UPDATE", share);
}

absl::Status UpdateStep::ApplyVersion(std::size_t index,
                                      AttributeBase* const* attributes) {
  if (returned_ != 0) {
    SHARD_RETURN_IF_ERROR(
        ReadReturned(attributes, returned_, rows_.row(index)));
  }
  sql::ValueView next;
  if (mapping_->version() == VersionKind::kClient) {
    const auto before = static_cast<std::size_t>(
        std::popcount(fields_ & (mapping_->version_set() - 1)));
    next = values_[index * row_size() + before];
  }
  return TakeVersion(attributes, next, returned_);
}

absl::Status UpdateStep::Apply(Share&, ObjectLoader& loader) {
  const bool versioned = mapping_->version() != VersionKind::kNone;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    EntityBase* const object = objects_[i];
    AttributeBase* attributes[kMostFields];
    mapping_->Attributes(*object, attributes);
    if (versioned) SHARD_RETURN_IF_ERROR(ApplyVersion(i, attributes));
    TakeUpdate(*object, attributes, fields_, loader);
  }
  return absl::OkStatus();
}

void DeleteStep::Add(EntityBase& object, AttributeBase* const* attributes) {
  objects_.push_back(&object);
  AppendCondition(object, attributes);
}

absl::Status DeleteStep::Start(Share& share) {
  return share.Start(MakeRequest(*statement_));
}

absl::Status DeleteStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(nullptr));
  return CheckOneRowEach(outcome, "DELETE", share);
}

absl::Status DeleteStep::Apply(Share&, ObjectLoader& loader) {
  for (EntityBase* object : objects_) {
    InstanceState& state = InstanceAccess::State(*object);
    BecomeClean(state);
    state.marked_deleted = false;
    loader.Forget(*object);
    state.object_state = ObjectState::kDeleted;
  }
  return absl::OkStatus();
}

}  // namespace shard
