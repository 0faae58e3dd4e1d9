#include "shard/session/session_core.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/attribute.h"
#include "shard/session/flusher.h"

namespace shard {
namespace {

InstanceState& StateOf(EntityBase& object) {
  return InstanceAccess::State(object);
}

const std::string& ClassOf(const EntityBase& object) {
  return object.mapping().class_info().name;
}

void EraseFrom(std::vector<std::shared_ptr<EntityBase>>& list,
               const EntityBase& object) {
  std::erase_if(list, [&](const auto& held) { return held.get() == &object; });
}

// The key attributes as the row has them, whatever was assigned since.
void RestoreKey(EntityBase& object, AttributeBase* const* attributes) {
  const Mapping& mapping = object.mapping();
  const auto key = StateOf(object).key.Views();
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::uint16_t field = mapping.key_fields()[i];
    if (attributes[field]->state() != AttributeState::kLoaded) {
      // It was read from such a value once, so it can be again.
      mapping.field(field)
          .ops->read(*attributes[field], key[i], AttributeState::kLoaded)
          .IgnoreError();
    }
  }
}

}  // namespace

SessionCore::SessionCore(SessionOptions options)
    : options_(std::move(options)),
      loader_(&identity_map_, this, &work_.rekeyed) {
  // One that knows no place, and says so.
  if (options_.resolver == nullptr) {
    options_.resolver = std::make_shared<VerticalResolver>();
  }
}

SessionCore::~SessionCore() { Close(); }

// The life of objects.

absl::Status SessionCore::Add(const std::shared_ptr<EntityBase>& object) {
  if (object == nullptr) {
    return absl::InvalidArgumentError("Add was given a null pointer");
  }
  SHARD_RETURN_IF_ERROR(object->mapping().status());
  InstanceState& state = StateOf(*object);
  if (state.host != nullptr && state.host != this) {
    return absl::FailedPreconditionError(
        absl::StrCat("an object of class ", ClassOf(*object),
                     " belongs to another session; "
                     "Expunge it there first"));
  }
  switch (state.object_state) {
    case ObjectState::kPending:
      return absl::OkStatus();
    case ObjectState::kPersistent:
      if (std::exchange(state.marked_deleted, false)) {
        EraseFrom(work_.deleted, *object);
      }
      return absl::OkStatus();
    case ObjectState::kDeleted:
      return absl::FailedPreconditionError(
          absl::StrCat("an object of class ", ClassOf(*object),
                       " was deleted; add a new object instead"));
    case ObjectState::kTransient:
      state.host = this;
      state.object_state = ObjectState::kPending;
      work_.added.push_back(object);
      return absl::OkStatus();
    case ObjectState::kDetached:
      break;
  }
  const std::shared_ptr<EntityBase> known =
      identity_map_.Find(IdentityOf(*object));
  if (known != nullptr && known != object) {
    return absl::FailedPreconditionError(
        absl::StrCat("the session has another object for ", ClassOf(*object),
                     " ", state.key.DebugString(), "; use that one"));
  }
  loader_.Adopt(*object);
  AttributeBase* attributes[kMostFields];
  object->mapping().Attributes(*object, attributes);
  const bool changed =
      std::any_of(attributes, attributes + object->mapping().fields().size(),
                  [](const AttributeBase* attribute) {
                    return attribute->state() == AttributeState::kModified ||
                           attribute->state() == AttributeState::kExpression;
                  });
  if (changed) ObjectChanged(*object);
  return absl::OkStatus();
}

absl::Status SessionCore::Delete(const std::shared_ptr<EntityBase>& object) {
  if (object == nullptr || StateOf(*object).host != this) {
    return absl::FailedPreconditionError(
        "Delete was given an object that this session does not hold; Get or "
        "Add it first");
  }
  InstanceState& state = StateOf(*object);
  if (state.object_state == ObjectState::kPending) return Expunge(*object);
  if (state.object_state == ObjectState::kPersistent && !state.marked_deleted) {
    state.marked_deleted = true;
    work_.deleted.push_back(object);
  }
  return absl::OkStatus();
}

absl::Status SessionCore::Refresh(EntityBase& object) {
  SHARD_RETURN_IF_ERROR(Expire(object));
  return LoadExpired(object);
}

absl::Status SessionCore::Expire(EntityBase& object) {
  if (StateOf(object).host != this ||
      StateOf(object).object_state != ObjectState::kPersistent) {
    return absl::FailedPreconditionError(
        absl::StrCat("an object of class ", ClassOf(object),
                     " has no row in this session; flush it first"));
  }
  ExpireAttributes(object);
  return absl::OkStatus();
}

void SessionCore::ExpireAll() {
  identity_map_.ForEach(
      [this](const std::shared_ptr<EntityBase>& o) { ExpireAttributes(*o); });
}

absl::Status SessionCore::Expunge(EntityBase& object) {
  if (StateOf(object).host != this) {
    return absl::FailedPreconditionError(
        "Expunge was given an object that this session does not hold");
  }
  const std::shared_ptr<EntityBase> alive = object.shared_from_this();
  identity_map_.Erase(object);
  RemoveFromLists(object);
  Detach(object);
  return absl::OkStatus();
}

void SessionCore::ObjectChanged(EntityBase& object) {
  InstanceState& state = StateOf(object);
  if (state.object_state != ObjectState::kPersistent) return;
  state.dirty = true;
  work_.changed.push_back(object.shared_from_this());
}

void SessionCore::Detach(EntityBase& object) {
  InstanceState& state = StateOf(object);
  state.host = nullptr;
  state.dirty = false;
  state.marked_deleted = false;
  state.inserted_in_transaction = false;
  state.written_in_transaction = false;
  state.object_state = state.object_state == ObjectState::kPending
                           ? ObjectState::kTransient
                           : ObjectState::kDetached;
}

void SessionCore::LetGoOfDeleted(EntityBase& object) {
  Detach(object);
  StateOf(object).object_state = ObjectState::kDeleted;
}

void SessionCore::RemoveFromLists(const EntityBase& object) {
  EraseFrom(work_.added, object);
  EraseFrom(work_.changed, object);
  EraseFrom(work_.deleted, object);
  EraseFrom(work_.gone, object);
  std::erase_if(work_.rekeyed, [&object](const auto& entry) {
    return entry.first.get() == &object;
  });
}

void SessionCore::ExpireAttributes(EntityBase& object) {
  AttributeBase* attributes[kMostFields];
  const Mapping& mapping = object.mapping();
  mapping.Attributes(object, attributes);
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (!mapping.field(i).column->primary_key()) {
      AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
    }
  }
  InstanceState& state = StateOf(object);
  state.expressions.clear();
  state.expired = true;
  RestoreKey(object, attributes);
}

void SessionCore::ExpireLoaded(EntityBase& object) {
  AttributeBase* attributes[kMostFields];
  const Mapping& mapping = object.mapping();
  mapping.Attributes(object, attributes);
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (!mapping.field(i).column->primary_key() &&
        attributes[i]->state() == AttributeState::kLoaded) {
      AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
    }
  }
  StateOf(object).expired = true;
}

// Transactions.

absl::Status SessionCore::Flush() {
  if (work_.empty()) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(transaction_.CheckHealthy());
  return Flusher(options_.resolver.get(), &transaction_, &statements_, &loader_)
      .Run(work_);
}

absl::StatusOr<CommitResult> SessionCore::Commit() {
  SHARD_RETURN_IF_ERROR(transaction_.CheckHealthy());
  SHARD_RETURN_IF_ERROR(Flush());
  EndStreams();
  std::vector<const Engine*> engines;  // in the order of the result's shares
  for (const auto& share : transaction_.shares()) {
    engines.push_back(share->bind().engine);
  }
  absl::StatusOr<CommitResult> result = transaction_.Commit();
  if (result.ok()) {
    SettleCommit();
    return result;
  }
  std::vector<const Engine*> committed;
  if (const auto partly = CommitResultOf(result.status())) {
    for (std::size_t i = 0; i < partly->shares.size(); ++i) {
      if (partly->shares[i].committed) committed.push_back(engines[i]);
    }
  }
  SettleRollback(committed, Reads::kExpire);
  return result;
}

void SessionCore::Rollback() {
  EndStreams();
  transaction_.Rollback();
  SettleRollback({}, Reads::kExpire);
}

void SessionCore::Close() {
  EndStreams();
  transaction_.Rollback();
  SettleRollback({}, Reads::kKeep);
  std::vector<std::shared_ptr<EntityBase>> objects;
  identity_map_.ForEach([&objects](const auto& o) { objects.push_back(o); });
  for (const auto& object : objects) Detach(*object);
  identity_map_.Clear();
}

void SessionCore::EndStreams() {
  for (const std::weak_ptr<RowStream>& weak : streams_) {
    if (const std::shared_ptr<RowStream> stream = weak.lock()) stream->End();
  }
  streams_.clear();
}

void SessionCore::SettleCommit() {
  identity_map_.ForEach([this](const std::shared_ptr<EntityBase>& object) {
    InstanceState& state = StateOf(*object);
    state.inserted_in_transaction = false;
    state.key_generated = false;
    state.written_in_transaction = false;
    if (options_.expire_on_commit) ExpireAttributes(*object);
  });
  for (const auto& object : work_.gone) LetGoOfDeleted(*object);
  work_.gone.clear();
  work_.rekeyed.clear();
}

void SessionCore::MakeTransient(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  InstanceState& state = StateOf(object);
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    const AttributeState now = attributes[i]->state();
    // What the database made, or was to make, ends with the row.
    const bool own_value =
        (now == AttributeState::kLoaded || now == AttributeState::kModified) &&
        !(state.key_generated && mapping.field(i).column->primary_key());
    AttributeAccess::SetState(*attributes[i], own_value
                                                  ? AttributeState::kModified
                                                  : AttributeState::kUnset);
  }
  identity_map_.Erase(object);
  state = InstanceState{};
  state.mapping = &mapping;
}

// Objects go back to what their rows are now. Rows on committed engines stay.
void SessionCore::SettleRollback(const std::vector<const Engine*>& committed,
                                 Reads reads) {
  const auto stays = [&committed](const InstanceState& state) {
    return std::find(committed.begin(), committed.end(), state.engine) !=
           committed.end();
  };
  // A flush that failed half-way has written some of its objects already: those
  // are found in the identity map below, or among the deleted.
  for (const auto& object : work_.added) {
    if (StateOf(*object).object_state == ObjectState::kPending) Detach(*object);
  }
  for (const auto& object : work_.changed) StateOf(*object).dirty = false;
  for (const auto& object : work_.deleted) {
    StateOf(*object).marked_deleted = false;
    if (StateOf(*object).object_state == ObjectState::kDeleted) {
      work_.gone.push_back(object);
    }
  }
  const auto rekeyed = std::exchange(work_.rekeyed, {});
  for (auto entry = rekeyed.rbegin(); entry != rekeyed.rend(); ++entry) {
    EntityBase& object = *entry->first;
    if (stays(StateOf(object))) continue;
    loader_.Rekey(object, entry->second);
    // Its attributes have the new key still: RestoreKey shall replace it.
    AttributeBase* attributes[kMostFields];
    object.mapping().Attributes(object, attributes);
    for (const std::uint16_t field : object.mapping().key_fields()) {
      AttributeAccess::SetState(*attributes[field], AttributeState::kModified);
    }
  }
  work_.rekeyed.clear();
  for (const auto& object : std::exchange(work_.gone, {})) {
    InstanceState& state = StateOf(*object);
    if (stays(state)) {
      LetGoOfDeleted(*object);
    } else {
      loader_.Adopt(*object);
    }
  }
  std::vector<std::shared_ptr<EntityBase>> objects;
  identity_map_.ForEach([&objects](const auto& o) { objects.push_back(o); });
  for (const auto& object : objects) {
    InstanceState& state = StateOf(*object);
    const bool written = std::exchange(state.written_in_transaction, false);
    if (state.inserted_in_transaction && !stays(state)) {
      MakeTransient(*object);
      continue;
    }
    state.inserted_in_transaction = false;
    state.key_generated = false;
    if (written || reads == Reads::kExpire) ExpireAttributes(*object);
  }
  work_.added.clear();
  work_.changed.clear();
  work_.deleted.clear();
}

}  // namespace shard
