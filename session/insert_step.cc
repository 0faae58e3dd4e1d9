#include "shard/session/insert_step.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"

namespace shard {
namespace {

absl::Status RowsMissing(const Mapping& mapping, std::size_t sent,
                         std::size_t arrived) {
  return absl::FailedPreconditionError(absl::StrCat(
      "INSERT of ", sent, " rows of ", mapping.class_info().name, " put in ",
      arrived,
      "; does a trigger or rule swallow rows? If they go elsewhere, give the "
      "class the option NoReturning"));
}

std::vector<const sql::Column*> ColumnsOf(const Mapping& mapping,
                                          std::uint64_t fields) {
  std::vector<const sql::Column*> columns;
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (HasField(fields, i)) columns.push_back(mapping.field(i).column);
  }
  return columns;
}

}  // namespace

InsertStep::InsertStep(const Mapping* mapping, std::uint64_t fields,
                       bool numbered)
    : FlushStep(mapping),
      fields_(fields),
      numbered_(numbered),
      columns_(ColumnsOf(*mapping, fields)) {}

void InsertStep::Reserve(std::size_t objects) {
  FlushStep::Reserve(objects);
  values_.reserve(objects * columns_.size());
}

void InsertStep::Add(EntityBase& object, AttributeBase* const* attributes) {
  objects_.push_back(&object);
  AppendFields(attributes, fields_);
}

absl::Status InsertStep::Start(Share& share) {
  InsertRequest request;
  request.table = &mapping_->table();
  request.columns = columns_;
  request.rows = objects_.size();
  request.values = values_;
  if (numbered_) request.generated_key = mapping_->table().generated_key();
  request.returning = mapping_->options().returning;
  return share.StartInsert(request);
}

absl::Status InsertStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(outcome_, share.FinishInsert());
  std::size_t arrived = objects_.size();
  if (mapping_->options().returning) {
    arrived = static_cast<std::size_t>(outcome_.total_affected());
  }
  if (numbered_ && arrived == objects_.size()) arrived = outcome_.keys.size();
  if (arrived == objects_.size()) return absl::OkStatus();
  return share.Failed(RowsMissing(*mapping_, objects_.size(), arrived));
}

// Far enough for the memory to come in time.
constexpr std::size_t kAhead = 8;

absl::Status InsertStep::Apply(Share& share, ObjectLoader& loader) {
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    EntityBase& object = *objects_[i];
    AttributeBase* attributes[kMostFields];
    mapping_->Attributes(object, attributes);
    if (numbered_) {
      if (i + kAhead < outcome_.keys.size()) {
        loader.Expect(*mapping_, share.bind(), outcome_.keys[i + kAhead]);
      }
      InstanceAccess::State(object).key_generated = true;
      const sql::ValueView key = sql::ValueView::Int64(outcome_.keys[i]);
      const std::uint16_t field = mapping_->key_fields().front();
      const absl::Status status = mapping_->field(field).ops->read(
          *attributes[field], key, AttributeState::kLoaded);
      if (!status.ok()) return CellError(*mapping_, field, key, status);
    }
    BecomePersistent(object, attributes, share, loader);
  }
  return absl::OkStatus();
}

ReturningInsertStep::ReturningInsertStep(const Mapping* mapping,
                                         std::uint64_t fields,
                                         std::uint64_t returned,
                                         const CompiledStatement* statement)
    : FlushStep(mapping),
      fields_(fields),
      returned_(returned),
      statement_(statement),
      columns_(ColumnsOf(*mapping, fields)),
      fetched_(ColumnsOf(*mapping, returned & ~mapping->key_set())) {}

void ReturningInsertStep::Add(EntityBase& object,
                              AttributeBase* const* attributes) {
  objects_.push_back(&object);
  AppendFields(attributes, fields_);
}

absl::Status ReturningInsertStep::Start(Share& share) {
  const sql::Column* const numbered = mapping_->table().generated_key();
  const bool given = (returned_ & mapping_->key_set()) == 0;
  in_pages_ = share.connection().inserts_fetch() && !fetched_.empty() &&
              (given ? mapping_->has_integer_key() : numbered != nullptr);
  if (!in_pages_) return share.Start(MakeRequest(*statement_));
  InsertRequest request;
  request.table = &mapping_->table();
  request.columns = columns_;
  request.rows = objects_.size();
  request.values = values_;
  if (!given) request.generated_key = numbered;
  request.fetched = fetched_;
  request.fetched_rows = &rows_;
  return share.StartInsert(request);
}

absl::Status ReturningInsertStep::Finish(Share& share) {
  SHARD_RETURN_IF_ERROR(in_pages_ ? share.FinishInsert().status()
                                  : share.Finish(&rows_).status());
  if (rows_.rows() == objects_.size()) return absl::OkStatus();
  return share.Failed(RowsMissing(*mapping_, objects_.size(), rows_.rows()));
}

absl::Status ReturningInsertStep::Apply(Share& share, ObjectLoader& loader) {
  const std::uint64_t keys = mapping_->key_set();
  // A page always has the key.
  const auto key_cells =
      in_pages_ ? 1 : static_cast<std::size_t>(std::popcount(returned_ & keys));
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    EntityBase& object = *objects_[i];
    AttributeBase* attributes[kMostFields];
    mapping_->Attributes(object, attributes);
    const absl::Span<const sql::ValueView> row = rows_.row(i);
    SHARD_RETURN_IF_ERROR(ReadReturned(attributes, returned_ & keys, row));
    SHARD_RETURN_IF_ERROR(
        ReadReturned(attributes, returned_ & ~keys, row.subspan(key_cells)));
    BecomePersistent(object, attributes, share, loader);
  }
  return absl::OkStatus();
}

}  // namespace shard
