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
#include "shard/session/update_step.h"
#include "shard/sql/dml.h"

namespace shard {

absl::Status Flusher::PlanUpdate(EntityBase& object) {
  const InstanceState& state = InstanceAccess::State(object);
  if (state.marked_deleted || state.object_state != ObjectState::kPersistent) {
    return absl::OkStatus();
  }
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  FieldSets sets = ChangedFields(mapping, attributes);
  if ((sets.values | sets.expressions) == 0) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(ApplyOnUpdate(mapping, object, attributes));
  sets = ChangedFields(mapping, attributes);
  for (const std::uint16_t field : mapping.key_fields()) {
    if ((sets.expressions & FieldBit(field)) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          mapping.class_info().name, ".", mapping.field(field).column->name(),
          " is part of the primary key of a stored object and cannot become an "
          "SQL expression; assign a value"));
    }
  }
  SHARD_RETURN_IF_ERROR(
      CheckStaysOnShard(object, attributes, sets.values | sets.expressions));
  SHARD_ASSIGN_OR_RETURN(Share * share, ShareOf(object));
  if (sets.expressions != 0) {
    return PlanUpdateWithExpressions(object, *share, sets.values);
  }
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, sets.values, StepKind::kUpdate}, *share,
              [&]() -> absl::StatusOr<std::unique_ptr<FlushStep>> {
                SHARD_ASSIGN_OR_RETURN(
                    const CompiledStatement* statement,
                    statements_.UpdateByKey(mapping, share->dialect(),
                                            sets.values));
                return std::make_unique<UpdateStep>(&mapping, sets.values,
                                                    statement);
              }));
  step->Add(object, attributes);
  return absl::OkStatus();
}

absl::Status Flusher::PlanUpdateWithExpressions(EntityBase& object,
                                                Share& share,
                                                std::uint64_t fields) {
  SHARD_RETURN_IF_ERROR(CheckSubqueries(object, share));
  const Mapping& mapping = object.mapping();
  sql::UpdateStatement update(mapping.table());
  update.assignments = Assignments(mapping, object, fields);
  update.Where(KeyCondition(mapping));
  SHARD_ASSIGN_OR_RETURN(auto compiled,
                         share.dialect().Compile(std::move(update)));
  auto step = std::make_unique<ExpressionStep>(&mapping, std::move(compiled),
                                               /*is_insert=*/false);
  step->Add(object, nullptr);
  AddStep(share, StepKind::kUpdate, std::move(step));
  return absl::OkStatus();
}

absl::Status Flusher::PlanDelete(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  SHARD_ASSIGN_OR_RETURN(Share * share, ShareOf(object));
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, 0, StepKind::kDelete}, *share,
              [&]() -> absl::StatusOr<std::unique_ptr<FlushStep>> {
                SHARD_ASSIGN_OR_RETURN(
                    const CompiledStatement* statement,
                    statements_.DeleteByKey(mapping, share->dialect()));
                return std::make_unique<DeleteStep>(&mapping, statement);
              }));
  step->Add(object, nullptr);
  return absl::OkStatus();
}

}  // namespace shard
