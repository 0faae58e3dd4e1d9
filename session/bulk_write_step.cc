#include "shard/session/bulk_write_step.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/mapping_statements.h"

namespace shard {
namespace {

sql::Statement UpdateOf(const Mapping& mapping, const BulkShape& shape) {
  sql::UpdateStatement update(mapping.table());
  for (const MappedField& field : mapping.fields()) {
    const sql::Column& column = *field.column;
    if (HasField(shape.values, column.index())) {
      update.Set({&column, sql::Parameter(column.name(), column.type())});
    } else if (HasField(shape.expressions, column.index())) {
      update.Set({&column, column.onupdate()()});
    }
  }
  return sql::Statement(update.Where(RowCondition(mapping)));
}

std::size_t ConditionSize(const Mapping& mapping) {
  return mapping.key_fields().size() +
         (mapping.version() == VersionKind::kNone ? 0 : 1);
}

// A view's triggers may have done what the database does not count.
bool MayBeUncounted(const Mapping& mapping, Share& share) {
  if (mapping.options().returning) return false;
  const absl::StatusOr<bool> counts = share.CountsRowsOf(mapping.table());
  return counts.ok() && !*counts;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BulkStep>> BulkWriteStep::Make(
    const BulkPart* part, const BulkShape& shape, const Dialect& dialect) {
  const Mapping& mapping = part->mapping();
  SHARD_ASSIGN_OR_RETURN(
      auto compiled,
      dialect.Compile(part->kind() == BulkKind::kUpdate
                          ? UpdateOf(mapping, shape)
                          : sql::Statement(sql::DeleteStatement(mapping.table())
                                               .Where(RowCondition(mapping)))));
  SHARD_ASSIGN_OR_RETURN(
      RowStatement statement,
      RowStatement::Make(std::move(compiled), mapping, ConditionSize(mapping)));
  return std::make_unique<BulkWriteStep>(part, shape, std::move(statement));
}

void BulkWriteStep::Begin() {
  versions_.clear();
  // Their addresses are to stay.
  if (statement_.sets_version()) versions_.reserve(chunk());
}

void BulkWriteStep::Append(const BulkRow& row) {
  sql::ValueView next;
  if (statement_.sets_version()) {
    next = versions_
               .emplace_back(
                   mapping().NextVersion(row.cells[mapping().version_field()]))
               .view();
  }
  statement_.AppendValues(row, next, &values_);
}

absl::Status BulkWriteStep::Send(Share& share) {
  Request request{statement_.get(), values_, chunk()};
  // (A version that a trigger makes would hide which row was missing.)
  request.one_row_each = mapping().version() == VersionKind::kNone;
  return share.Start(request);
}

absl::Status BulkWriteStep::NotThere(const std::vector<std::size_t>& rows,
                                     Share& share) const {
  const bool updates = part().kind() == BulkKind::kUpdate;
  std::string text =
      absl::StrCat(updates ? "UPDATE" : "DELETE", " of ",
                   mapping().class_info().name, " ", NamesOf(rows), " met ",
                   outcome_.affected[rows.front()], " rows instead of 1");
  if (mapping().version() != VersionKind::kNone) {
    const sql::ValueView& version =
        values_[(rows.front() + 1) * statement_.get()->parameters.size() - 1];
    const bool number = version.type() == sql::ValueType::kInt32 ||
                        version.type() == sql::ValueType::kInt64;
    if (number) {
      absl::StrAppend(&text, ", of version ", version.integer(),
                      rows.size() == 1 ? "" : " in the first");
    } else {
      absl::StrAppend(&text, ", of the version given");
    }
  }
  absl::StrAppend(&text,
                  "; another transaction deleted or changed it, or it is on "
                  "another shard: roll back, read it again and retry");
  return share.Failed(absl::AbortedError(text));
}

absl::Status BulkWriteStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(outcome_, share.Finish(nullptr));
  std::vector<std::size_t> not_there;
  for (std::size_t i = 0; i < chunk(); ++i) {
    if (outcome_.affected[i] != 1) not_there.push_back(i);
  }
  if (not_there.empty()) return absl::OkStatus();
  const bool none =
      std::all_of(outcome_.affected.begin(), outcome_.affected.end(),
                  [](std::int64_t rows) { return rows == 0; });
  if (!none || !MayBeUncounted(mapping(), share)) {
    return NotThere(not_there, share);
  }
  if (mapping().version() == VersionKind::kNone) return absl::OkStatus();
  return share.Failed(absl::FailedPreconditionError(absl::StrCat(
      mapping().class_info().name,
      " is a view whose rows the database does not count, so that nobody can "
      "tell whether the version was the right one; map the table instead, or a "
      "class without a version")));
}

// What the session does not hold takes its new version, so that it can be
// written again.
absl::Status BulkWriteStep::TakeVersion(const sql::Value& version,
                                        EntityBase& object) const {
  AttributeBase* attributes[kMostFields];
  mapping().Attributes(object, attributes);
  const std::size_t field = mapping().version_field();
  if (mapping().version() == VersionKind::kServer) {
    AttributeAccess::SetState(*attributes[field], AttributeState::kExpired);
    return absl::OkStatus();
  }
  return mapping().field(field).ops->read(*attributes[field], version.view(),
                                          AttributeState::kLoaded);
}

absl::Status BulkWriteStep::Apply(const Share&, std::vector<KeyValue>*) {
  if (part().kind() == BulkKind::kDelete || !part().options().return_defaults ||
      mapping().version() == VersionKind::kNone) {
    return absl::OkStatus();
  }
  for (std::size_t i = 0; i < chunk(); ++i) {
    EntityBase* const object = part().rows().object(index_of(i));
    if (object == nullptr || InstanceAccess::State(*object).host != nullptr) {
      continue;
    }
    // (A version that the database makes is read again.)
    SHARD_RETURN_IF_ERROR(ApplyToObject(
        [this, object,
         version = versions_.empty() ? sql::Value() : versions_[i]] {
          return TakeVersion(version, *object);
        }));
  }
  return absl::OkStatus();
}

}  // namespace shard
