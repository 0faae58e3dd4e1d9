#include "shard/session/insert_step.h"

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

InsertStep::InsertStep(const Mapping* mapping, std::uint64_t fields, Key key,
                       const CompiledStatement* returning)
    : FlushStep(mapping), fields_(fields), key_(key), returning_(returning) {
  for (std::size_t i = 0; i < mapping->fields().size(); ++i) {
    if (HasField(fields, i)) columns_.push_back(mapping->field(i).column);
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
    return ReadKey(attributes, rows_.row(index));
  }
  const sql::ValueView key = sql::ValueView::Int64(outcome_.keys[index]);
  return ReadKey(attributes, absl::MakeConstSpan(&key, 1));
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

}  // namespace shard
