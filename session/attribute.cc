#include "shard/session/attribute.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/sql/expression.h"

namespace shard {

BadAttributeAccess::BadAttributeAccess(absl::Status status)
    : std::runtime_error(status.ToString()), status_(std::move(status)) {}

void AttributeBase::Throw(absl::Status status) {
  throw BadAttributeAccess(std::move(status));
}

EntityBase& AttributeBase::owner() const {
  const char* const owner = reinterpret_cast<const char*>(this) - offset_;
  return *reinterpret_cast<EntityBase*>(const_cast<char*>(owner));
}

void AttributeBase::BecomeModified() {
  EntityBase& object = owner();
  InstanceState& state = object.state_;
  if (state_ == AttributeState::kExpression) state.expressions.Drop(index_);
  state_ = AttributeState::kModified;
  made_by_database_ = false;
  if (state.host != nullptr && !state.dirty) state.host->ObjectChanged(object);
}

void AttributeBase::SetExpression(sql::Expression expression) {
  EntityBase& object = owner();
  InstanceState& state = object.state_;
  state.expressions.Set(index_, std::move(expression));
  state_ = AttributeState::kExpression;
  if (state.host != nullptr && !state.dirty) state.host->ObjectChanged(object);
}

absl::Status AttributeBase::EnsureReadable() const {
  if (state_ == AttributeState::kLoaded ||
      state_ == AttributeState::kModified) {
    return absl::OkStatus();
  }
  EntityBase& object = owner();
  const Mapping& mapping = object.mapping();
  const auto where = [&mapping, this] {
    return absl::StrCat(mapping.class_info().name, ".",
                        mapping.field(index_).column->name());
  };
  if (state_ == AttributeState::kExpression) {
    return absl::FailedPreconditionError(absl::StrCat(
        where(),
        " is an SQL expression that was not flushed yet; Flush() the "
        "session to have the database evaluate it"));
  }
  if (state_ == AttributeState::kUnset) {
    return absl::FailedPreconditionError(absl::StrCat(
        where(), " was never set; assign it, or add the object and flush"));
  }
  ObjectHost* host = object.state_.host;
  if (host == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        where(),
        " is expired and its object detached from any session; read "
        "it before the session ends"));
  }
  return host->LoadExpired(object, index_);
}

}  // namespace shard
