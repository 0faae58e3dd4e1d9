#include "shard/session/flush_step.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"

namespace shard {
namespace {

bool HasBit(std::uint64_t bits, std::size_t bit) {
  return (bits >> bit & 1) != 0;
}

// After its statement an object has nothing left to write.
void BecomeClean(InstanceState& state) {
  state.dirty = false;
  state.written_in_transaction = true;
  state.expressions.clear();
}

// What was sent is loaded now; what the database computed is to be loaded.
void SettleFields(const Mapping& mapping, AttributeBase* const* attributes) {
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    switch (attributes[i]->state()) {
      case AttributeState::kModified:
        AttributeAccess::SetState(*attributes[i], AttributeState::kLoaded);
        break;
      case AttributeState::kExpression:
      case AttributeState::kUnset:
        AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
        break;
      default:
        break;
    }
  }
}

absl::Status ReadKey(const Mapping& mapping, AttributeBase* const* attributes,
                     absl::Span<const sql::ValueView> key) {
  const auto& fields = mapping.key_fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const absl::Status status = mapping.field(fields[i]).ops->read(
        *attributes[fields[i]], key[i], AttributeState::kLoaded);
    if (!status.ok()) return CellError(mapping, fields[i], key[i], status);
  }
  return absl::OkStatus();
}

// The key as the attributes have it now.
KeyValue KeyOf(const Mapping& mapping, AttributeBase* const* attributes) {
  sql::ByteArena arena;
  if (mapping.has_integer_key()) {
    const std::uint16_t field = mapping.key_fields().front();
    return KeyValue(
        mapping.field(field).ops->view(*attributes[field], arena).integer());
  }
  absl::InlinedVector<sql::ValueView, 2> parts;
  for (const std::uint16_t field : mapping.key_fields()) {
    parts.push_back(mapping.field(field).ops->view(*attributes[field], arena));
  }
  return KeyValue::FromViews(parts);
}

}  // namespace

void FlushStep::AppendFields(AttributeBase* const* attributes,
                             std::uint64_t fields) {
  const std::vector<MappedField>& mapped = mapping_->fields();
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    if (HasBit(fields, i)) {
      values_.push_back(mapped[i].ops->view(*attributes[i], arena_));
    }
  }
}

void FlushStep::AppendKey(const EntityBase& object) {
  for (const sql::ValueView& part : InstanceAccess::State(object).key.Views()) {
    values_.push_back(part);
  }
}

absl::Status FlushStep::CheckOneRowEach(const Outcome& outcome,
                                        const char* verb) const {
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    if (outcome.affected[i] == 1) continue;
    return absl::AbortedError(
        absl::StrCat(verb, " of ", mapping_->class_info().name, " ",
                     InstanceAccess::State(*objects_[i]).key.DebugString(),
                     " met ", outcome.affected[i],
                     " rows instead of 1; another transaction deleted "
                     "or changed it: roll back, load it again and retry"));
  }
  return absl::OkStatus();
}

void FlushStep::BecomePersistent(EntityBase& object,
                                 AttributeBase* const* attributes,
                                 const Share& share) {
  SettleFields(*mapping_, attributes);
  InstanceState& state = InstanceAccess::State(object);
  BecomeClean(state);
  state.key = KeyOf(*mapping_, attributes);
  state.shard = share.bind().shard;
  state.engine = share.bind().engine;
  state.inserted_at = static_cast<std::uint16_t>(share.depth() + 1);
}

void FlushStep::TakeUpdate(EntityBase& object, AttributeBase* const* attributes,
                           ObjectLoader& loader) {
  SettleFields(*mapping_, attributes);
  InstanceState& state = InstanceAccess::State(object);
  BecomeClean(state);
  if (KeyValue key = KeyOf(*mapping_, attributes); !(key == state.key)) {
    loader.Rekey(object, std::move(key));
  }
}

InsertStep::InsertStep(const Mapping* mapping, std::uint64_t fields, Key key,
                       const CompiledStatement* returning)
    : FlushStep(mapping), fields_(fields), key_(key), returning_(returning) {
  for (std::size_t i = 0; i < mapping->fields().size(); ++i) {
    if (HasBit(fields, i)) columns_.push_back(mapping->field(i).column);
  }
}

void InsertStep::Reserve(std::size_t objects) {
  objects_.reserve(objects);
  values_.reserve(objects * columns_.size());
}

void InsertStep::Add(EntityBase& object, AttributeBase* const* attributes) {
  objects_.push_back(&object);
  AppendFields(attributes, fields_);
}

absl::Status InsertStep::Start(Share& share) {
  if (key_ == Key::kReturned) return share.Start(MakeRequest(*returning_));
  InsertRequest request;
  request.table = &mapping_->table();
  request.columns = columns_;
  request.rows = objects_.size();
  request.values = values_;
  if (key_ == Key::kGenerated) {
    request.generated_key = mapping_->table().generated_key();
  }
  return share.StartInsert(request);
}

absl::Status InsertStep::Finish(Share& share) {
  if (key_ == Key::kReturned) {
    SHARD_ASSIGN_OR_RETURN(outcome_, share.Finish(&rows_));
  } else {
    SHARD_ASSIGN_OR_RETURN(outcome_, share.FinishInsert());
  }
  const std::size_t keys = key_ == Key::kGenerated  ? outcome_.keys.size()
                           : key_ == Key::kReturned ? rows_.rows()
                                                    : objects_.size();
  if (keys == objects_.size()) return absl::OkStatus();
  return share.Failed(absl::InternalError(absl::StrCat(
      "INSERT of ", objects_.size(), " rows of ", mapping_->class_info().name,
      " gave ", keys, " keys; does a trigger or rule swallow rows?")));
}

absl::Status InsertStep::TakeKey(EntityBase& object,
                                 AttributeBase* const* attributes,
                                 std::size_t index) {
  if (key_ == Key::kGiven) return absl::OkStatus();
  InstanceAccess::State(object).key_generated = true;
  if (key_ == Key::kReturned) {
    return ReadKey(*mapping_, attributes, rows_.row(index));
  }
  const sql::ValueView key = sql::ValueView::Int64(outcome_.keys[index]);
  return ReadKey(*mapping_, attributes, absl::MakeConstSpan(&key, 1));
}

absl::Status InsertStep::Apply(Share& share, ObjectLoader& loader) {
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    EntityBase& object = *objects_[i];
    AttributeBase* attributes[kMostFields];
    mapping_->Attributes(object, attributes);
    SHARD_RETURN_IF_ERROR(TakeKey(object, attributes, i));
    BecomePersistent(object, attributes, share);
    loader.Adopt(object);
  }
  return absl::OkStatus();
}

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
    SHARD_RETURN_IF_ERROR(ReadKey(*mapping_, attributes, rows_.row(0)));
    BecomePersistent(object, attributes, share);
    loader.Adopt(object);
    return absl::OkStatus();
  }
  TakeUpdate(object, attributes, loader);
  return absl::OkStatus();
}

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
