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
#include "shard/session/flush_fields.h"
#include "shard/session/shard_key_change.h"
#include "shard/session/two_phase/recoverer.h"

namespace shard {
namespace {

InstanceState& StateOf(EntityBase& object) {
  return InstanceAccess::State(object);
}

const std::string& ClassOf(const EntityBase& object) {
  return object.mapping().class_info().name;
}

// Where there is none, one that knows no place, and says so.
SessionOptions WithAResolver(SessionOptions options) {
  if (options.resolver == nullptr) {
    options.resolver = std::make_shared<VerticalResolver>();
  }
  return options;
}

void EraseFrom(std::vector<std::shared_ptr<EntityBase>>& list,
               const EntityBase& object) {
  std::erase_if(list, [&](const auto& held) { return held.get() == &object; });
}

template <class List, class Matches>
std::size_t CountBefore(const List& list, std::size_t end,
                        const Matches& matches) {
  const auto last =
      list.begin() + static_cast<std::ptrdiff_t>(std::min(end, list.size()));
  return static_cast<std::size_t>(std::count_if(list.begin(), last, matches));
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
    : options_(WithAResolver(std::move(options))),
      transaction_(&options_),
      loader_(options_.resolver.get(), &identity_map_, this, &work_.rekeyed,
              &options_.listeners) {
  // What others left unfinished shall not wait for our first commit.
  if (options_.two_phase && options_.topology != nullptr) {
    Recoverer::Of(*options_.topology, options_.recovery);
  }
}

SessionCore::~SessionCore() {
  flushing_ = Flushing::kNo;
  Close();
}

// The life of objects.

absl::Status SessionCore::Add(const std::shared_ptr<EntityBase>& object) {
  if (object == nullptr) {
    return absl::InvalidArgumentError("Add was given a null pointer");
  }
  SHARD_RETURN_IF_ERROR(object->mapping().status());
  SHARD_RETURN_IF_ERROR(CheckNotWriting("Add"));
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
      FindShardOf(*object);
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
  if (HasChanges(*object)) ObjectChanged(*object);
  return absl::OkStatus();
}

// One that was loaded past shards, by a session over one of them alone, is
// where its shard key says.
void SessionCore::FindShardOf(EntityBase& object) const {
  InstanceState& state = StateOf(object);
  if (!state.shard.is_none()) return;
  BindResolver& resolver = *options_.resolver;
  const std::uint64_t key = ShardKeyFieldsOf(resolver, object.mapping());
  AttributeBase* attributes[kMostFields];
  object.mapping().Attributes(object, attributes);
  for (std::size_t i = 0; i < object.mapping().fields().size(); ++i) {
    if (HasField(key, i) && attributes[i]->state() != AttributeState::kLoaded) {
      return;
    }
  }
  if (key == 0) return;
  const absl::StatusOr<Bind> place =
      PlaceByShardKey(resolver, object, attributes);
  if (!place.ok()) return;
  state.shard = place->shard;
  state.engine = place->engine;
}

absl::Status SessionCore::Delete(const std::shared_ptr<EntityBase>& object) {
  if (object == nullptr || StateOf(*object).host != this) {
    return absl::FailedPreconditionError(
        "Delete was given an object that this session does not hold; Get or "
        "Add it first");
  }
  SHARD_RETURN_IF_ERROR(CheckNotWriting("Delete"));
  InstanceState& state = StateOf(*object);
  if (state.object_state == ObjectState::kPending) return Expunge(*object);
  if (state.object_state == ObjectState::kPersistent && !state.marked_deleted) {
    state.marked_deleted = true;
    work_.deleted.push_back(object);
  }
  return absl::OkStatus();
}

absl::Status SessionCore::CheckHasRow(const EntityBase& object) const {
  const InstanceState& state = InstanceAccess::State(object);
  if (state.host == this && state.object_state == ObjectState::kPersistent) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("an object of class ", ClassOf(object),
                   " has no row in this session; flush it first"));
}

absl::Status SessionCore::Expire(EntityBase& object) {
  SHARD_RETURN_IF_ERROR(CheckHasRow(object));
  ExpireAttributes(object);
  return absl::OkStatus();
}

absl::Status SessionCore::ExpireFields(EntityBase& object,
                                       std::uint64_t fields) {
  SHARD_RETURN_IF_ERROR(CheckHasRow(object));
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  bool key = false;
  for (std::uint16_t i = 0; i < mapping.fields().size(); ++i) {
    if ((fields >> i & 1) == 0) continue;
    key = key || mapping.field(i).column->primary_key();
    if (mapping.field(i).column->primary_key()) continue;
    AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
    StateOf(object).expressions.Drop(i);
  }
  if (key) RestoreKey(object, attributes);
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
  SHARD_RETURN_IF_ERROR(CheckNotWriting("Expunge"));
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
  state.has_values = true;
  work_.changed.push_back(object.shared_from_this());
}

void SessionCore::Detach(EntityBase& object) {
  InstanceState& state = StateOf(object);
  state.host = nullptr;
  state.dirty = false;
  state.marked_deleted = false;
  state.inserted_at = 0;
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
  const auto is_object = [&object](const auto& held) {
    return held.get() == &object;
  };
  const auto is_rekeyed = [&object](const auto& entry) {
    return entry.object.get() == &object;
  };
  for (Savepoint& savepoint : nested_) {
    savepoint.gone -= CountBefore(work_.gone, savepoint.gone, is_object);
    savepoint.rekeyed -=
        CountBefore(work_.rekeyed, savepoint.rekeyed, is_rekeyed);
  }
  std::erase_if(work_.gone, is_object);
  std::erase_if(work_.rekeyed, is_rekeyed);
}

void SessionCore::ExpireAttributes(EntityBase& object) {
  InstanceState& state = StateOf(object);
  // A commit expires all objects that are held, and few of them are new to it.
  if (!state.has_values) return;
  // While it is in the list of changes nobody hears of more.
  state.has_values = state.dirty;
  AttributeBase* attributes[kMostFields];
  const Mapping& mapping = object.mapping();
  mapping.Attributes(object, attributes);
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (!mapping.field(i).column->primary_key()) {
      AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
    }
  }
  state.expressions.Clear();
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

}  // namespace shard
