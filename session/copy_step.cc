#include "shard/session/copy_step.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"

namespace shard {

absl::Status CopyStep::Differs(const EntityBase& object, const char* verb,
                               Share& share) const {
  return share.Failed(absl::DataLossError(absl::StrCat(
      verb, " of ", mapping_->class_info().name, " ",
      InstanceAccess::State(object).key.DebugString(), " met its row on '",
      first_, "' and not on '", share.name(),
      "', where it should be the same; bring the rows of '",
      mapping_->table().name(), "' in line by statements that name a shard")));
}

void CopyStep::TakeValues(std::uint64_t fields) {
  values_.clear();
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    AttributeBase* attributes[kMostFields];
    mapping_->Attributes(*objects_[i], attributes);
    AppendFields(attributes, fields);
    if (kept_.empty()) continue;
    for (const sql::Value& value : kept_[i]) values_.push_back(value.view());
  }
}

InsertCopyStep::InsertCopyStep(const FlushStep* original,
                               const std::string* first, std::uint64_t fields)
    : CopyStep(original, first), fields_(fields) {
  for (const MappedField& field : mapping_->fields()) {
    if (HasField(fields, field.column->index())) {
      columns_.push_back(field.column);
    }
  }
}

void InsertCopyStep::Add(EntityBase& object, AttributeBase* const*) {
  objects_.push_back(&object);
}

absl::Status InsertCopyStep::Start(Share& share) {
  TakeValues(fields_);
  InsertRequest request;
  request.table = &mapping_->table();
  request.columns = columns_;
  request.rows = objects_.size();
  request.values = values_;
  request.returning = mapping_->options().returning;
  return share.StartInsert(request);
}

absl::Status InsertCopyStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.FinishInsert());
  if (!mapping_->options().returning ||
      outcome.total_affected() == static_cast<std::int64_t>(objects_.size())) {
    return absl::OkStatus();
  }
  return Differs(*objects_.front(), "INSERT", share);
}

void WriteCopyStep::Add(EntityBase& object, AttributeBase* const* attributes) {
  objects_.push_back(&object);
  // The original is going to change what these are views of.
  AppendCondition(object, attributes);
  auto& kept = kept_.emplace_back();
  for (const sql::ValueView& view : values_) kept.emplace_back(view);
  values_.clear();
  arena_.Clear();
}

absl::Status WriteCopyStep::Start(Share& share) {
  TakeValues(fields_);
  return share.Start(MakeRequest(*statement_));
}

absl::Status WriteCopyStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(nullptr));
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    if (outcome.affected[i] == 1) continue;
    return Differs(*objects_[i], fields_ == 0 ? "DELETE" : "UPDATE", share);
  }
  return absl::OkStatus();
}

}  // namespace shard
