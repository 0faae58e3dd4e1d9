#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/expression_step.h"
#include "shard/session/flush_fields.h"
#include "shard/session/flusher.h"
#include "shard/session/stale_version.h"
#include "shard/session/update_step.h"
#include "shard/sql/dml.h"

namespace shard {
namespace {

// A key that the database computes must be told back, or the object would lose
// its row.
absl::Status CheckNewKey(const Mapping& mapping, const FieldSets& sets) {
  if (mapping.options().returning ||
      (sets.expressions & mapping.key_set()) == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the primary key of ", mapping.class_info().name,
      " cannot become an SQL expression without RETURNING (the class has the "
      "option NoReturning); assign a value"));
}

}  // namespace

absl::Status Flusher::PlanUpdate(EntityBase& object) {
  const InstanceState& state = InstanceAccess::State(object);
  if (state.marked_deleted || state.object_state != ObjectState::kPersistent) {
    unchanged_.push_back(&object);
    return absl::OkStatus();
  }
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  FieldSets sets = ChangedFields(mapping, attributes);
  if ((sets.values | sets.expressions) == 0) {
    unchanged_.push_back(&object);
    return absl::OkStatus();
  }
  if (mapping.version() != VersionKind::kNone) {
    SHARD_RETURN_IF_ERROR(KnowVersion(object, attributes));
  }
  if (mapping.onupdates() != 0) {
    SHARD_RETURN_IF_ERROR(ApplyOnUpdate(mapping, object, attributes));
    sets = ChangedFields(mapping, attributes);
  }
  if (mapping.version() == VersionKind::kClient) {
    sets.values |= mapping.version_set();
  }
  SHARD_RETURN_IF_ERROR(CheckNewKey(mapping, sets));
  SHARD_RETURN_IF_ERROR(
      CheckStaysOnShard(object, attributes, sets.values | sets.expressions));
  SHARD_ASSIGN_OR_RETURN(Share * share, ShareOf(object));
  const sql::Expression version = ServerMadeVersion(mapping);
  if (sets.expressions != 0 || !version.empty()) {
    return PlanUpdateWithExpressions(object, attributes, *share, sets, version);
  }
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t returned,
                         ReturnedByUpdate(mapping, sets, object, *share));
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, sets.values, StepKind::kUpdate}, *share,
              [&]() -> absl::StatusOr<std::unique_ptr<FlushStep>> {
                SHARD_ASSIGN_OR_RETURN(
                    const CompiledStatement* statement,
                    statements_.UpdateRow(mapping, share->dialect(),
                                          sets.values, returned));
                return std::make_unique<UpdateStep>(&mapping, sets.values,
                                                    returned, statement);
              }));
  step->Add(object, attributes);
  return AddCopies(step, StepKind::kUpdate, sets.values | returned, object,
                   attributes);
}

absl::StatusOr<std::uint64_t> Flusher::ReturnedByUpdate(const Mapping& mapping,
                                                        const FieldSets& sets,
                                                        EntityBase& object,
                                                        Share& share) {
  std::uint64_t returned = sets.expressions & mapping.key_set();
  if (FetchesAlways(mapping)) returned |= sets.expressions;
  if (mapping.version() == VersionKind::kServer) {
    returned |= mapping.version_set();
  }
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*>* everywhere,
                         EverywhereOf(mapping));
  if (everywhere->size() > 1) {
    SHARD_RETURN_IF_ERROR(CheckFetchesForCopies(
        mapping, sets.expressions | (returned & mapping.version_set())));
    returned |= sets.expressions;
  }
  if (returned == 0 || mapping.options().returning) return returned;
  to_load_.push_back({&object, &share, returned});
  return 0;
}

absl::Status Flusher::PlanUpdateWithExpressions(
    EntityBase& object, AttributeBase* const* attributes, Share& share,
    const FieldSets& sets, const sql::Expression& version) {
  SHARD_RETURN_IF_ERROR(CheckSubqueries(resolver_, object, share));
  const Mapping& mapping = object.mapping();
  sql::UpdateStatement update(mapping.table());
  update.assignments = Assignments(mapping, object, sets.values);
  if (!version.empty()) {
    update.Set({mapping.field(mapping.version_field()).column, version});
  }
  update.Where(RowCondition(mapping));
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t returned,
                         ReturnedByUpdate(mapping, sets, object, share));
  AddReturning(mapping, returned, update);
  SHARD_ASSIGN_OR_RETURN(auto compiled,
                         share.dialect().Compile(std::move(update)));
  auto step = std::make_unique<ExpressionUpdateStep>(
      &mapping, std::move(compiled), returned);
  SHARD_RETURN_IF_ERROR(step->TakeParameters(object, attributes));
  const FlushStep* added = AddStep(share, StepKind::kUpdate, std::move(step));
  return AddCopies(added, StepKind::kUpdate, sets.values | returned, object,
                   attributes);
}

absl::Status Flusher::PlanDelete(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  if (mapping.version() != VersionKind::kNone) {
    mapping.Attributes(object, attributes);
    SHARD_RETURN_IF_ERROR(KnowVersion(object, attributes));
  }
  SHARD_ASSIGN_OR_RETURN(Share * share, ShareOf(object));
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, 0, StepKind::kDelete}, *share,
              [&]() -> absl::StatusOr<std::unique_ptr<FlushStep>> {
                SHARD_ASSIGN_OR_RETURN(
                    const CompiledStatement* statement,
                    statements_.DeleteRow(mapping, share->dialect()));
                return std::make_unique<DeleteStep>(&mapping, statement);
              }));
  step->Add(object, attributes);
  return AddCopies(step, StepKind::kDelete, 0, object, attributes);
}

}  // namespace shard
