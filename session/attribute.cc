#include "shard/session/attribute.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

void DropExpression(InstanceState& state, std::uint16_t index) {
  std::erase_if(state.expressions,
                [index](const auto& entry) { return entry.first == index; });
}

}  // namespace

BadAttributeAccess::BadAttributeAccess(absl::Status status)
    : std::runtime_error(status.ToString()), status_(std::move(status)) {}

void AttributeBase::Throw(absl::Status status) {
  throw BadAttributeAccess(std::move(status));
}

void AttributeBase::BecomeModified() {
  InstanceState& state = owner_->state_;
  if (state_ == AttributeState::kExpression) DropExpression(state, index_);
  state_ = AttributeState::kModified;
  made_by_database_ = false;
  if (state.host != nullptr && !state.dirty) state.host->ObjectChanged(*owner_);
}

void AttributeBase::SetExpression(sql::Expression expression) {
  InstanceState& state = owner_->state_;
  DropExpression(state, index_);
  state.expressions.emplace_back(index_, std::move(expression));
  state_ = AttributeState::kExpression;
  if (state.host != nullptr && !state.dirty) state.host->ObjectChanged(*owner_);
}

absl::Status AttributeBase::EnsureReadable() const {
  if (state_ == AttributeState::kLoaded ||
      state_ == AttributeState::kModified) {
    return absl::OkStatus();
  }
  const Mapping& mapping = owner_->mapping();
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
  ObjectHost* host = owner_->state_.host;
  if (host == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        where(),
        " is expired and its object detached from any session; read "
        "it before the session ends"));
  }
  return host->LoadExpired(*owner_, index_);
}

}  // namespace shard
