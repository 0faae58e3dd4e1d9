#include "shard/session/expression_step.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"

namespace shard {

ExpressionStep::ExpressionStep(
    const Mapping* mapping, std::shared_ptr<const CompiledStatement> statement,
    bool is_insert)
    : FlushStep(mapping),
      statement_(std::move(statement)),
      is_insert_(is_insert) {}

void ExpressionStep::Add(EntityBase& object, AttributeBase* const*) {
  objects_.push_back(&object);
}

absl::Status ExpressionStep::Start(Share& share) {
  // The parameters are named after fields; each stands where the text has it.
  EntityBase& object = *objects_.front();
  AttributeBase* attributes[kMostFields];
  mapping_->Attributes(object, attributes);
  const auto key = InstanceAccess::State(object).key.Views();
  for (const CompiledParameter& parameter : statement_->parameters) {
    if (parameter.literal.has_value()) {
      values_.push_back(parameter.literal->view());
      continue;
    }
    const sql::Column* column = mapping_->table().FindColumn(parameter.name);
    if (column == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("an SQL expression of ", mapping_->class_info().name,
                       " has a parameter ':", parameter.name,
                       "', which has no value in a flush; use a literal"));
    }
    values_.push_back(mapping_->field(column->index())
                          .ops->view(*attributes[column->index()], arena_));
  }
  if (!is_insert_) {
    // The condition's parameters come last: the key as the row has it.
    values_.resize(values_.size() - key.size());
    AppendKey(object);
  }
  return share.Start(MakeRequest(*statement_));
}

absl::Status ExpressionStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(&rows_));
  if (!is_insert_) {
    const absl::Status status = CheckOneRowEach(outcome, "UPDATE");
    return status.ok() ? status : share.Failed(status);
  }
  if (rows_.rows() == 1) return absl::OkStatus();
  return share.Failed(absl::InternalError(
      absl::StrCat("INSERT of ", mapping_->class_info().name,
                   " gave no key; does a trigger or rule swallow rows?")));
}

absl::Status ExpressionStep::Apply(Share& share, ObjectLoader& loader) {
  EntityBase& object = *objects_.front();
  AttributeBase* attributes[kMostFields];
  mapping_->Attributes(object, attributes);
  if (is_insert_) {
    SHARD_RETURN_IF_ERROR(ReadKey(attributes, rows_.row(0)));
    BecomePersistent(object, attributes, share);
    loader.Adopt(object);
    return absl::OkStatus();
  }
  TakeUpdate(object, attributes, loader);
  return absl::OkStatus();
}

}  // namespace shard
