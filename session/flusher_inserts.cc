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
#include "shard/session/insert_step.h"
#include "shard/session/object_key_reader.h"
#include "shard/sql/dml.h"

namespace shard {
namespace {

// How the key of a new object comes about. kInvalidArgument when it cannot.
absl::StatusOr<InsertStep::Key> KeyKind(const Mapping& mapping,
                                        const FieldSets& sets) {
  InsertStep::Key kind = InsertStep::Key::kGiven;
  for (const std::uint16_t field : mapping.key_fields()) {
    if ((sets.values & FieldBit(field)) != 0) continue;
    const sql::Column& column = *mapping.field(field).column;
    if (&column == mapping.table().generated_key()) {
      kind = InsertStep::Key::kGenerated;
    } else if (!column.server_default().empty()) {
      kind = InsertStep::Key::kReturned;
    } else if ((sets.expressions & FieldBit(field)) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          mapping.class_info().name, ".", column.name(),
          " is part of the primary key and has no value, and the database does "
          "not make one; set it before the flush"));
    }
  }
  return kind;
}

}  // namespace

absl::Status Flusher::PlanInsert(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  SHARD_RETURN_IF_ERROR(ApplyClientDefaults(mapping, object, attributes));
  const FieldSets sets = ChangedFields(mapping, attributes);
  SHARD_ASSIGN_OR_RETURN(const InsertStep::Key key, KeyKind(mapping, sets));
  ObjectKeyReader reader(object, attributes);
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.object = &reader;
  request.operation = Operation::kFlush;
  SHARD_ASSIGN_OR_RETURN(const Bind bind, resolver_.Resolve(request));
  SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(bind));
  if (sets.expressions != 0) {
    return PlanInsertWithExpressions(object, *share, sets.values);
  }
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, sets.values, StepKind::kInsert}, *share,
              [&]() -> absl::StatusOr<std::unique_ptr<FlushStep>> {
                const CompiledStatement* returning = nullptr;
                if (key == InsertStep::Key::kReturned) {
                  SHARD_ASSIGN_OR_RETURN(
                      returning, statements_.InsertReturningKey(
                                     mapping, share->dialect(), sets.values));
                }
                auto made = std::make_unique<InsertStep>(&mapping, sets.values,
                                                         key, returning);
                // A guess: the rest comes in equal parts.
                made->Reserve(inserts_left_ / groups_.size());
                return made;
              }));
  step->Add(object, attributes);
  return absl::OkStatus();
}

absl::Status Flusher::PlanInsertWithExpressions(EntityBase& object,
                                                Share& share,
                                                std::uint64_t fields) {
  SHARD_RETURN_IF_ERROR(CheckSubqueries(object, share));
  const Mapping& mapping = object.mapping();
  sql::InsertStatement insert(mapping.table());
  insert.Values(Assignments(mapping, object, fields));
  for (const std::uint16_t field : mapping.key_fields()) {
    insert.Returning(mapping.field(field).column->expression());
  }
  SHARD_ASSIGN_OR_RETURN(auto compiled,
                         share.dialect().Compile(std::move(insert)));
  auto step = std::make_unique<ExpressionStep>(&mapping, std::move(compiled),
                                               /*is_insert=*/true);
  step->Add(object, nullptr);
  AddStep(share, StepKind::kInsert, std::move(step));
  return absl::OkStatus();
}

}  // namespace shard
