#include "shard/session/flusher.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/router/statement_tables.h"
#include "shard/session/attribute.h"
#include "shard/session/fan_out.h"
#include "shard/session/object_key_reader.h"
#include "shard/sql/dml.h"
#include "shard/sql/statement.h"

namespace shard {
namespace {

constexpr char kInsert = 'I', kUpdate = 'U', kDelete = 'D';

std::uint64_t Bit(std::size_t index) { return std::uint64_t{1} << index; }

// The fields that an INSERT or UPDATE sends as values, and as SQL.
struct FieldSets {
  std::uint64_t values = 0;
  std::uint64_t expressions = 0;
};

// Gives an attribute what a default makes: a value, or SQL.
absl::Status ApplyDefault(const Mapping& mapping, std::size_t field,
                          const sql::DefaultMaker& make, EntityBase& object,
                          AttributeBase& attribute) {
  sql::Expression made = make();
  if (const auto* literal = made.As<sql::LiteralNode>()) {
    const sql::ValueView value = literal->value.view();
    const absl::Status status = mapping.field(field).ops->read(
        attribute, value, AttributeState::kModified);
    return status.ok() ? status : CellError(mapping, field, value, status);
  }
  InstanceAccess::State(object).expressions.emplace_back(
      static_cast<std::uint16_t>(field), std::move(made));
  AttributeAccess::SetState(attribute, AttributeState::kExpression);
  return absl::OkStatus();
}

absl::Status ApplyClientDefaults(const Mapping& mapping, EntityBase& object,
                                 AttributeBase* const* attributes) {
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    const sql::DefaultMaker& make = mapping.field(i).column->client_default();
    if (make && attributes[i]->state() == AttributeState::kUnset) {
      SHARD_RETURN_IF_ERROR(
          ApplyDefault(mapping, i, make, object, *attributes[i]));
    }
  }
  return absl::OkStatus();
}

// For a row that changes otherwise: what nobody assigned gets its new value.
absl::Status ApplyOnUpdate(const Mapping& mapping, EntityBase& object,
                           AttributeBase* const* attributes) {
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    const sql::DefaultMaker& make = mapping.field(i).column->onupdate();
    const AttributeState state = attributes[i]->state();
    if (make && state != AttributeState::kModified &&
        state != AttributeState::kExpression) {
      SHARD_RETURN_IF_ERROR(
          ApplyDefault(mapping, i, make, object, *attributes[i]));
    }
  }
  return absl::OkStatus();
}

FieldSets ChangedFields(const Mapping& mapping,
                        AttributeBase* const* attributes) {
  FieldSets sets;
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    const AttributeState state = attributes[i]->state();
    if (state == AttributeState::kModified) sets.values |= Bit(i);
    if (state == AttributeState::kExpression) sets.expressions |= Bit(i);
  }
  return sets;
}

const sql::Expression& ExpressionFor(const EntityBase& object,
                                     std::size_t field) {
  for (const auto& [index, expression] :
       InstanceAccess::State(object).expressions) {
    if (index == field) return expression;
  }
  static const sql::Expression none;
  return none;
}

// "field = value" for the fields of both sets: a parameter of the field's name,
// or the object's expression.
std::vector<sql::ColumnAssignment> Assignments(const Mapping& mapping,
                                               const EntityBase& object,
                                               std::uint64_t values) {
  std::vector<sql::ColumnAssignment> assignments;
  for (const MappedField& field : mapping.fields()) {
    const std::size_t i = field.column->index();
    const sql::Expression& expression = ExpressionFor(object, i);
    if (!expression.empty()) {
      assignments.push_back({field.column, expression});
    } else if ((values & Bit(i)) != 0) {
      assignments.push_back(
          {field.column,
           sql::Parameter(field.column->name(), field.column->type())});
    }
  }
  return assignments;
}

// How the key of a new object comes about. kInvalidArgument when it cannot.
absl::StatusOr<InsertStep::Key> KeyKind(const Mapping& mapping,
                                        const FieldSets& sets) {
  InsertStep::Key kind = InsertStep::Key::kGiven;
  for (const std::uint16_t field : mapping.key_fields()) {
    if ((sets.values & Bit(field)) != 0) continue;
    const sql::Column& column = *mapping.field(field).column;
    if (&column == mapping.table().generated_key()) {
      kind = InsertStep::Key::kGenerated;
    } else if (!column.server_default().empty()) {
      kind = InsertStep::Key::kReturned;
    } else if ((sets.expressions & Bit(field)) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          mapping.class_info().name, ".", column.name(),
          " is part of the primary key and has no value, and the database does "
          "not make one; set it before the flush"));
    }
  }
  return kind;
}

}  // namespace

FlushStep* Flusher::AddStep(Share& share, char kind,
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

template <class Make>
absl::StatusOr<FlushStep*> Flusher::StepFor(const GroupId& id, Share& share,
                                            Make&& make) {
  FlushStep*& step = groups_[id];
  if (step == nullptr) {
    absl::StatusOr<std::unique_ptr<FlushStep>> made = make();
    if (!made.ok()) return made.status();
    step = AddStep(share, id.kind, *std::move(made));
  }
  return step;
}

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
      StepFor({share, &mapping, sets.values, kInsert}, *share,
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
  AddStep(share, kInsert, std::move(step));
  return absl::OkStatus();
}

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
    if ((sets.expressions & Bit(field)) != 0) {
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
      StepFor({share, &mapping, sets.values, kUpdate}, *share,
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
  AddStep(share, kUpdate, std::move(step));
  return absl::OkStatus();
}

absl::Status Flusher::PlanDelete(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  SHARD_ASSIGN_OR_RETURN(Share * share, ShareOf(object));
  SHARD_ASSIGN_OR_RETURN(
      FlushStep * step,
      StepFor({share, &mapping, 0, kDelete}, *share,
              [&]() -> absl::StatusOr<std::unique_ptr<FlushStep>> {
                SHARD_ASSIGN_OR_RETURN(
                    const CompiledStatement* statement,
                    statements_.DeleteByKey(mapping, share->dialect()));
                return std::make_unique<DeleteStep>(&mapping, statement);
              }));
  step->Add(object, nullptr);
  return absl::OkStatus();
}

// A subquery sees only the rows of the database that it runs on.
absl::Status Flusher::CheckSubqueries(const EntityBase& object,
                                      const Share& share) {
  std::vector<sql::Expression> expressions;
  for (const auto& entry : InstanceAccess::State(object).expressions) {
    expressions.push_back(entry.second);
  }
  for (const auto& query : SubqueriesOf(expressions)) {
    const sql::Statement statement(*query);
    BindRequest request;
    request.statement = &statement;
    request.operation = Operation::kFlush;
    SHARD_ASSIGN_OR_RETURN(const BindSet binds, resolver_.ResolveAll(request));
    if (binds.size() == 1 && binds.front().engine == share.bind().engine) {
      continue;
    }
    return absl::UnimplementedError(absl::StrCat(
        "an SQL expression of ", object.mapping().class_info().name,
        " has a subquery whose rows are not all on '", share.name(),
        "', where it would run; read the value first and assign it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Share*> Flusher::ShareOf(const EntityBase& object) {
  BindRequest request;
  request.class_info = &object.mapping().class_info();
  request.operation = Operation::kFlush;
  if (!object.shard().is_none()) request.shard = object.shard();
  SHARD_ASSIGN_OR_RETURN(const Bind bind, resolver_.Resolve(request));
  return transaction_.PlanShare(bind);
}

absl::Status Flusher::CheckStaysOnShard(EntityBase& object,
                                        AttributeBase* const* attributes,
                                        std::uint64_t changed) {
  const Mapping& mapping = object.mapping();
  bool key_changed = false, part_expired = false;
  for (const sql::Column* column : resolver_.ShardKey(mapping.class_info())) {
    key_changed = key_changed || (changed & Bit(column->index())) != 0;
    part_expired = part_expired || attributes[column->index()]->state() ==
                                       AttributeState::kExpired;
  }
  if (!key_changed) return absl::OkStatus();
  if (part_expired) {
    SHARD_RETURN_IF_ERROR(
        InstanceAccess::State(object).host->LoadExpired(object));
  }
  ObjectKeyReader reader(object, attributes);
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.object = &reader;
  request.operation = Operation::kFlush;
  SHARD_ASSIGN_OR_RETURN(const Bind bind, resolver_.Resolve(request));
  if (bind.shard == object.shard()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the new shard key of ", mapping.class_info().name, " ",
      InstanceAccess::State(object).key.DebugString(), " belongs on shard '",
      bind.shard.name(), "', but its row is on shard '", object.shard().name(),
      "'; delete the object and add a new one"));
}

// The last chance to refuse with nothing written.
absl::Status Flusher::OpenShares() {
  std::vector<Share*> shares;
  for (const auto& entry : plan_) shares.push_back(entry.first);
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  return transaction_.CheckMayWrite(shares);
}

absl::Status Flusher::RunSteps() {
  std::size_t stages = 0;
  for (const auto& [share, steps] : plan_) {
    stages = std::max(stages, steps.size());
  }
  for (std::size_t stage = 0; stage < stages; ++stage) {
    std::vector<FanOutTask> tasks;
    for (auto& [share, steps] : plan_) {
      if (stage >= steps.size()) continue;
      FlushStep* step = steps[stage].step.get();
      if (stage + 1 == steps.size()) transaction_.ExpectCommit(*share);
      tasks.push_back({&share->connection(),
                       [step, share = share] {
                         absl::Status status = step->Start(*share);
                         // Part of a flush may have run: all or nothing.
                         return status.ok() ? status : share->Failed(status);
                       },
                       [step, share = share] { return step->Finish(*share); },
                       absl::OkStatus()});
    }
    SHARD_RETURN_IF_ERROR(FanOut(absl::MakeSpan(tasks)));
    for (auto& [share, steps] : plan_) {
      if (stage >= steps.size()) continue;
      const absl::Status status = steps[stage].step->Apply(*share, loader_);
      if (!status.ok()) return share->Failed(status);
    }
  }
  return absl::OkStatus();
}

absl::Status Flusher::Run(UnitOfWork& work) {
  inserts_left_ = work.added.size();
  for (const auto& object : work.added) {
    SHARD_RETURN_IF_ERROR(PlanInsert(*object));
    --inserts_left_;
  }
  for (const auto& object : work.changed) {
    SHARD_RETURN_IF_ERROR(PlanUpdate(*object));
  }
  for (const auto& object : work.deleted) {
    SHARD_RETURN_IF_ERROR(PlanDelete(*object));
  }
  loader_.Expect(work.added.size());
  SHARD_RETURN_IF_ERROR(OpenShares());
  SHARD_RETURN_IF_ERROR(RunSteps());
  for (const auto& object : work.changed) {
    InstanceAccess::State(*object).dirty = false;
  }
  work.gone.insert(work.gone.end(), work.deleted.begin(), work.deleted.end());
  work.added.clear();
  work.changed.clear();
  work.deleted.clear();
  return absl::OkStatus();
}

}  // namespace shard
