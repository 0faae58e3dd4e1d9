#include "shard/session/statement_sync.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"
#include "shard/session/attribute.h"
#include "shard/session/object_condition.h"
#include "shard/session/object_loader.h"

namespace shard {
namespace {

// The statement with the primary key and what it sets behind what it returns.
template <class Dml>
sql::Statement Returning(const sql::Statement& statement, const Dml& dml,
                         const Mapping& mapping,
                         absl::Span<const sql::ColumnAssignment> sets) {
  Dml fetching = dml;
  for (const std::uint16_t field : mapping.key_fields()) {
    fetching.Returning(mapping.field(field).column->expression());
  }
  for (const sql::ColumnAssignment& set : sets) {
    fetching.Returning(set.column->expression());
  }
  return sql::Statement(std::move(fetching), statement.class_info());
}

}  // namespace

const sql::Expression& StatementSync::condition() const {
  const auto* update = statement_.As<sql::UpdateStatement>();
  return update != nullptr ? update->where
                           : statement_.As<sql::DeleteStatement>()->where;
}

absl::Span<const sql::ColumnAssignment> StatementSync::assignments() const {
  const auto* update = statement_.As<sql::UpdateStatement>();
  if (update == nullptr) return {};
  return update->assignments;
}

bool StatementSync::deletes() const {
  return statement_.As<sql::DeleteStatement>() != nullptr;
}

void StatementSync::CollectObjects() {
  identity_map_.ForEach([this](const std::shared_ptr<EntityBase>& object) {
    if (&object->mapping().table() != table_) return;
    const InstanceState& state = InstanceAccess::State(*object);
    const auto place = std::find_if(
        shares_.begin(), shares_.end(), [&state](const PlaceOfObjects& known) {
          return known.share->bind().engine == state.engine &&
                 known.share->bind().shard == state.shard;
        });
    if (place == shares_.end()) return;
    place->has_objects = true;
    mapping_ = &object->mapping();
    objects_.push_back(
        {object, static_cast<std::size_t>(place - shares_.begin()), {}});
  });
}

bool StatementSync::CanFetch() const {
  if (!mapping_->options().returning) return false;
  return std::none_of(assignments().begin(), assignments().end(),
                      [](const sql::ColumnAssignment& set) {
                        return set.column->primary_key();
                      });
}

absl::Status StatementSync::CheckEvaluable() const {
  SHARD_RETURN_IF_ERROR(CheckCondition(condition(), *table_));
  for (const sql::ColumnAssignment& set : assignments()) {
    SHARD_RETURN_IF_ERROR(CheckValue(set.value, *table_));
    if (set.column->primary_key()) {
      return absl::UnimplementedError(
          "an UPDATE of the primary key cannot be evaluated for objects; "
          "synchronize by kExpire");
    }
  }
  return absl::OkStatus();
}

absl::Status StatementSync::Plan(Synchronize how,
                                 const std::vector<Share*>& shares) {
  for (const Share* share : shares) shares_.push_back({share, false, 0});
  table_ = TablesOf(statement_).front();
  if (how == Synchronize::kEvaluate) SHARD_RETURN_IF_ERROR(CheckEvaluable());
  CollectObjects();
  if (objects_.empty()) return absl::OkStatus();
  const bool evaluates = how == Synchronize::kEvaluate ||
                         (how == Synchronize::kAuto && CheckEvaluable().ok());
  if (evaluates) {
    way_ = Way::kEvaluate;
    Evaluate();
  } else if (CanFetch()) {
    way_ = Way::kFetch;
    PlanFetch();
  } else {
    way_ = Way::kExpire;
  }
  return absl::OkStatus();
}

void StatementSync::PlanFetch() {
  if (const auto* update = statement_.As<sql::UpdateStatement>()) {
    hidden_from_ = update->returning.size();
    fetching_ = Returning(statement_, *update, *mapping_, assignments());
  } else {
    const auto& deletion = *statement_.As<sql::DeleteStatement>();
    hidden_from_ = deletion.returning.size();
    fetching_ = Returning(statement_, deletion, *mapping_, {});
  }
  visible_ = hidden_from_;
}

// By what the rows are before it runs. Those that it does not change are of no
// concern from then on.
void StatementSync::Evaluate() {
  ObjectCondition evaluated(mapping_, &parameters_);
  std::vector<Loaded> concerned;
  AttributeBase* attributes[kMostFields];
  for (Loaded& loaded : objects_) {
    mapping_->Attributes(*loaded.object, attributes);
    const Truth truth = evaluated.Holds(condition(), attributes);
    if (truth == Truth::kFalse || truth == Truth::kNull) continue;
    if (truth == Truth::kUnknown) {
      expired_.push_back(std::move(loaded.object));
      continue;
    }
    ++shares_[loaded.share].matched;
    for (const sql::ColumnAssignment& set : assignments()) {
      const auto value = evaluated.ValueOf(set.value, attributes);
      loaded.values.push_back(
          value.has_value() ? std::optional<sql::Value>(*value) : std::nullopt);
    }
    concerned.push_back(std::move(loaded));
  }
  objects_ = std::move(concerned);
}

void StatementSync::ExpireAll() {
  for (Loaded& loaded : objects_) expired_.push_back(std::move(loaded.object));
  objects_.clear();
}

absl::Status StatementSync::TakeValue(
    EntityBase& object, AttributeBase* const* attributes, std::size_t field,
    const std::optional<sql::ValueView>& value) {
  AttributeBase& attribute = *attributes[field];
  if (attribute.state() != AttributeState::kLoaded &&
      attribute.state() != AttributeState::kExpired) {
    return absl::OkStatus();
  }
  if (!value.has_value()) {
    AttributeAccess::SetState(attribute, AttributeState::kExpired);
    return absl::OkStatus();
  }
  InstanceState& state = InstanceAccess::State(object);
  state.has_values = true;
  state.written_in_transaction = true;
  return mapping_->field(field).ops->read(attribute, *value,
                                          AttributeState::kLoaded);
}

absl::Status StatementSync::FinishFetch(const std::vector<SharePart>& parts) {
  const std::size_t keys = mapping_->key_fields().size();
  AttributeBase* attributes[kMostFields];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!shares_[i].has_objects) continue;
    const RowBatch& rows = parts[i].rows;
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      const auto cells = rows.row(r).subspan(hidden_from_);
      const std::shared_ptr<EntityBase> object =
          identity_map_.Find({mapping_, parts[i].share->bind().shard,
                              KeyValue::FromViews(cells.first(keys))});
      if (object == nullptr) continue;
      if (deletes()) {
        deleted_.push_back(object);
        continue;
      }
      mapping_->Attributes(*object, attributes);
      for (std::size_t a = 0; a < assignments().size(); ++a) {
        const std::size_t field = assignments()[a].column->index();
        const sql::ValueView& cell = cells[keys + a];
        const absl::Status taken = TakeValue(*object, attributes, field, cell);
        if (!taken.ok()) return CellError(*mapping_, field, cell, taken);
      }
    }
  }
  return absl::OkStatus();
}

void StatementSync::FinishEvaluation(const std::vector<SharePart>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    // Fewer rows than that: some are not what the objects hold any more.
    if (parts[i].affected < static_cast<std::int64_t>(shares_[i].matched)) {
      return ExpireAll();
    }
  }
  AttributeBase* attributes[kMostFields];
  for (Loaded& loaded : objects_) {
    if (deletes()) {
      deleted_.push_back(std::move(loaded.object));
      continue;
    }
    mapping_->Attributes(*loaded.object, attributes);
    for (std::size_t a = 0; a < assignments().size(); ++a) {
      const std::optional<sql::Value>& value = loaded.values[a];
      const std::size_t field = assignments()[a].column->index();
      // What the attribute does not take as it is, the database converts.
      if (!TakeValue(
               *loaded.object, attributes, field,
               value.has_value() ? std::optional(value->view()) : std::nullopt)
               .ok()) {
        AttributeAccess::SetState(*attributes[field], AttributeState::kExpired);
      }
    }
  }
}

absl::Status StatementSync::Finish(const std::vector<SharePart>& parts) {
  switch (way_) {
    case Way::kNothing:
      break;
    case Way::kExpire:
      ExpireAll();
      break;
    case Way::kFetch:
      return FinishFetch(parts);
    case Way::kEvaluate:
      FinishEvaluation(parts);
      break;
  }
  return absl::OkStatus();
}

}  // namespace shard
