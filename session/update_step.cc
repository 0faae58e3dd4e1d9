#include "shard/session/update_step.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"

namespace shard {

void UpdateStep::Add(EntityBase& object, AttributeBase* const* attributes) {
  objects_.push_back(&object);
  AppendFields(attributes, fields_);
  AppendKey(object);
}

absl::Status UpdateStep::Start(Share& share) {
  return share.Start(MakeRequest(*statement_));
}

absl::Status UpdateStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(nullptr));
  const absl::Status status = CheckOneRowEach(outcome, "UPDATE");
  return status.ok() ? status : share.Failed(status);
}

absl::Status UpdateStep::Apply(Share&, ObjectLoader& loader) {
  for (EntityBase* object : objects_) {
    AttributeBase* attributes[kMostFields];
    mapping_->Attributes(*object, attributes);
    TakeUpdate(*object, attributes, loader);
  }
  return absl::OkStatus();
}

void DeleteStep::Add(EntityBase& object, AttributeBase* const*) {
  objects_.push_back(&object);
  AppendKey(object);
}

absl::Status DeleteStep::Start(Share& share) {
  return share.Start(MakeRequest(*statement_));
}

absl::Status DeleteStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(nullptr));
  const absl::Status status = CheckOneRowEach(outcome, "DELETE");
  return status.ok() ? status : share.Failed(status);
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
