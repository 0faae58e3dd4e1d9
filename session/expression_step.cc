#include "shard/session/expression_step.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"

namespace shard {

// A subquery sees only the rows of the database that it runs on.
absl::Status CheckSubqueries(BindResolver& resolver, const EntityBase& object,
                             const Share& share) {
  std::vector<sql::Expression> expressions;
  for (const auto& entry :
       InstanceAccess::State(object).expressions.entries()) {
    expressions.push_back(entry.second);
  }
  for (const auto& query : SubqueriesOf(expressions)) {
    const sql::Statement statement(*query);
    BindRequest request;
    request.statement = &statement;
    request.operation = Operation::kFlush;
    SHARD_ASSIGN_OR_RETURN(const BindSet binds, resolver.ResolveAll(request));
    const bool is_here =
        std::any_of(binds.begin(), binds.end(), [&share](const Bind& bind) {
          return bind.has_tables_of(share.bind());
        });
    const bool is_whole =
        binds.size() == 1 || resolver.WritesEverywhere(request);
    if (is_here && is_whole) continue;
    return absl::UnimplementedError(absl::StrCat(
        "an SQL expression of ", object.mapping().class_info().name,
        " has a subquery whose rows are not all on '", share.name(),
        "', where it would run; read the value first and assign it"));
  }
  return absl::OkStatus();
}

absl::Status ExpressionStep::TakeParameters(EntityBase& object,
                                            AttributeBase* const* attributes) {
  objects_.push_back(&object);
  const bool updates =
      InstanceAccess::State(object).object_state == ObjectState::kPersistent;
  // The parameters are named after fields; each stands where the text has it.
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
    if (updates && mapping_->version() == VersionKind::kClient &&
        column->index() == mapping_->version_field() &&
        next_version_.is_null()) {
      values_.back() = next_version_ = NextVersion(attributes);
    }
  }
  if (updates) {
    values_.resize(values_.size() - condition_size());
    AppendCondition(object, attributes);
  }
  return absl::OkStatus();
}

absl::Status ExpressionInsertStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(&rows_));
  const bool arrived = returned_ != 0 ? rows_.rows() == 1
                                      : outcome.total_affected() == 1 ||
                                            !mapping_->options().returning;
  if (arrived) return absl::OkStatus();
  return share.Failed(absl::FailedPreconditionError(absl::StrCat(
      "INSERT of ", mapping_->class_info().name,
      " put in no row; does a trigger or rule swallow rows? If they go "
      "elsewhere, give the class the option NoReturning")));
}

absl::Status ExpressionInsertStep::Apply(Share& share, ObjectLoader& loader) {
  EntityBase& object = *objects_.front();
  AttributeBase* attributes[kMostFields];
  mapping_->Attributes(object, attributes);
  if (returned_ != 0) {
    SHARD_RETURN_IF_ERROR(ReadReturned(attributes, returned_, rows_.row(0)));
  }
  BecomePersistent(object, attributes, share, loader);
  return absl::OkStatus();
}

absl::Status ExpressionUpdateStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, share.Finish(&rows_));
  return CheckOneRowEach(outcome, "UPDATE", share);
}

absl::Status ExpressionUpdateStep::Apply(Share&, ObjectLoader& loader) {
  EntityBase& object = *objects_.front();
  AttributeBase* attributes[kMostFields];
  mapping_->Attributes(object, attributes);
  if (returned_ != 0) {
    SHARD_RETURN_IF_ERROR(ReadReturned(attributes, returned_, rows_.row(0)));
  }
  SHARD_RETURN_IF_ERROR(TakeVersion(attributes, next_version_, returned_));
  TakeUpdate(object, attributes, AllFields(*mapping_), loader);
  return absl::OkStatus();
}

}  // namespace shard
