#include <cstddef>
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

// Where the key of a new object comes from.
enum class KeySource {
  kGiven,
  kNumbered,  // the database numbers it
  kReturned,  // the database makes it in another way
};

absl::Status NoKey(const Mapping& mapping, std::size_t field,
                   const char* problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(mapping.class_info().name, ".",
                   mapping.field(field).column->name(), problem));
}

// kInvalidArgument when there is none.
absl::StatusOr<KeySource> KeySourceOf(const Mapping& mapping,
                                      const FieldSets& sets) {
  KeySource source = KeySource::kGiven;
  for (const std::uint16_t field : mapping.key_fields()) {
    if (HasField(sets.values, field)) continue;
    if (HasField(sets.expressions, field)) {
      source = KeySource::kReturned;
    } else if (mapping.field(field).column == mapping.table().generated_key()) {
      source = KeySource::kNumbered;
    } else if (HasField(mapping.server_defaults(), field)) {
      source = KeySource::kReturned;
    } else {
      return NoKey(mapping, field,
                   " is part of the primary key and has no value, and the "
                   "database does not make one; set it before the flush");
    }
    const bool told = source == KeySource::kNumbered && sets.expressions == 0;
    if (!mapping.options().returning && !told) {
      return NoKey(mapping, field,
                   " is part of the primary key and made by the database, "
                   "which without RETURNING cannot say what it made (the class "
                   "has the option NoReturning); set it before the flush");
    }
  }
  return source;
}

// What is left to the database and wanted back, the key aside.
std::uint64_t FetchedByInsert(const Mapping& mapping, const FieldSets& sets) {
  // The next UPDATE will ask for the version.
  std::uint64_t made = mapping.version_set();
  if (mapping.options().eager_defaults != EagerDefaultsMode::kOff) {
    made |= mapping.server_defaults() | sets.expressions;
  }
  return made & ~sets.values;
}

}  // namespace

absl::Status Flusher::PlanInsert(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  if (const auto nulls = LeaveNullsToDefaults(mapping, attributes)) {
    nulls_.emplace_back(&object, nulls);
  }
  SHARD_RETURN_IF_ERROR(ApplyClientDefaults(mapping, object, attributes));
  const FieldSets sets = ChangedFields(mapping, attributes);
  SHARD_ASSIGN_OR_RETURN(const KeySource key, KeySourceOf(mapping, sets));
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*>* everywhere,
                         EverywhereOf(mapping));
  Share* share = nullptr;
  std::uint64_t returned = 0;
  if (everywhere->empty()) {
    SHARD_ASSIGN_OR_RETURN(share, ShareOfNew(object, attributes));
    returned = FetchedByInsert(mapping, sets);
  } else {
    share = everywhere->front();
    SHARD_ASSIGN_OR_RETURN(returned, FetchedForCopies(mapping, sets));
  }
  if (!mapping.options().returning) {
    if (!FetchesAlways(mapping)) returned &= mapping.version_set();
    if (returned != 0) to_load_.push_back({&object, share, returned});
    returned = 0;
  } else if (key == KeySource::kReturned ||
             (key == KeySource::kNumbered &&
              (returned | sets.expressions) != 0)) {
    returned |= mapping.key_set();
  }
  if (sets.expressions != 0) {
    return PlanInsertWithExpressions(object, attributes, *share, sets.values,
                                     returned);
  }
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, sets.values, StepKind::kInsert}, *share, [&] {
        return MakeInsertStep(mapping, *share, sets.values, returned,
                              key == KeySource::kNumbered);
      }));
  step->Add(object, attributes);
  return AddCopies(step, StepKind::kInsert,
                   sets.values | returned | mapping.key_set(), object,
                   attributes);
}

absl::StatusOr<Share*> Flusher::ShareOfNew(EntityBase& object,
                                           AttributeBase* const* attributes) {
  ObjectKeyReader reader(object, attributes);
  BindRequest request;
  request.class_info = &object.mapping().class_info();
  request.object = &reader;
  request.operation = Operation::kFlush;
  request.history = &transaction_;
  SHARD_ASSIGN_OR_RETURN(const Bind bind, resolver_.Resolve(request));
  return transaction_.PlanShare(bind);
}

absl::StatusOr<std::unique_ptr<FlushStep>> Flusher::MakeInsertStep(
    const Mapping& mapping, Share& share, std::uint64_t fields,
    std::uint64_t returned, bool numbered) {
  if (returned != 0) {
    SHARD_ASSIGN_OR_RETURN(const CompiledStatement* statement,
                           statements_.InsertReturning(mapping, share.dialect(),
                                                       fields, returned));
    return std::make_unique<ReturningInsertStep>(&mapping, fields, returned,
                                                 statement);
  }
  auto step = std::make_unique<InsertStep>(&mapping, fields, numbered);
  return step;
}

absl::Status Flusher::PlanInsertWithExpressions(
    EntityBase& object, AttributeBase* const* attributes, Share& share,
    std::uint64_t fields, std::uint64_t returned) {
  SHARD_RETURN_IF_ERROR(CheckSubqueries(resolver_, object, share));
  const Mapping& mapping = object.mapping();
  sql::InsertStatement insert(mapping.table());
  insert.Values(Assignments(mapping, object, fields));
  AddReturning(mapping, returned, insert);
  SHARD_ASSIGN_OR_RETURN(auto compiled,
                         share.dialect().Compile(std::move(insert)));
  auto step = std::make_unique<ExpressionInsertStep>(
      &mapping, std::move(compiled), returned);
  SHARD_RETURN_IF_ERROR(step->TakeParameters(object, attributes));
  const FlushStep* added = AddStep(share, StepKind::kInsert, std::move(step));
  return AddCopies(added, StepKind::kInsert,
                   fields | returned | mapping.key_set(), object, attributes);
}

}  // namespace shard
