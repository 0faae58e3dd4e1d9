// From rows to objects.
#ifndef SHARD_SESSION_OBJECT_LOADER_H_
#define SHARD_SESSION_OBJECT_LOADER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/bind.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/entity_base.h"
#include "shard/session/identity_map.h"
#include "shard/session/mapping.h"
#include "shard/session/session_listener.h"
#include "shard/session/unit_of_work.h"
#include "shard/sql/value.h"

namespace shard {

// Makes objects out of rows, one for each identity. Part of a session.
class ObjectLoader {
 public:
  using History = std::vector<FormerIdentity>;
  // `resolver` says which classes have rows that stand on all shards; `rekeyed`
  // collects what Rekey and Relocate change; `listeners` hear of what is
  // loaded. All must outlive it.
  ObjectLoader(const BindResolver* resolver, IdentityMap* identity_map,
               ObjectHost* host, History* rekeyed,
               const SessionListeners* listeners)
      : resolver_(*resolver),
        identity_map_(identity_map),
        host_(host),
        rekeyed_(rekeyed),
        listeners_(*listeners) {}

  // The shard that an object has in its identity whose row is at `bind`: that
  // one, unless its class's rows stand on all shards.
  ShardId ShardInIdentity(const Mapping& mapping, const Bind& bind) const {
    if (bind.shard.is_none()) return bind.shard;
    if (&mapping != latest_mapping_) LookUp(mapping);
    return latest_is_everywhere_ ? ShardId() : bind.shard;
  }

  // The object of a row that came from `bind`, whose cells are those of
  // `layout`, which has all that is read with an object. An object that the
  // session holds already keeps what it has loaded or changed; only its expired
  // attributes are filled in. kInvalidArgument, naming class and column, for a
  // NULL or a type that the attribute cannot take.
  absl::StatusOr<std::shared_ptr<EntityBase>> Load(
      const Mapping& mapping, const RowLayout& layout, const Bind& bind,
      absl::Span<const sql::ValueView> row);

  // A Load of that row is coming, or an Adopt under a key that is one integer;
  // changes nothing, and helps when many come.
  void Expect(const Mapping& mapping, const RowLayout& layout, const Bind& bind,
              absl::Span<const sql::ValueView> row) const;
  void Expect(const Mapping& mapping, const Bind& bind, std::int64_t key) const;

  // Fills in those of the fields that are expired in `object` from its row,
  // which has a cell for each.
  absl::Status FillExpired(EntityBase& object,
                           absl::Span<const std::uint16_t> fields,
                           absl::Span<const sql::ValueView> row);

  // Makes `object` persistent under the identity in its state.
  void Adopt(EntityBase& object);
  // So many objects are about to be adopted.
  void Expect(std::size_t objects) { identity_map_->Reserve(objects); }
  // The object's row got another primary key.
  void Rekey(EntityBase& object, KeyValue key);
  // The same, and it may be on another shard.
  void Relocate(EntityBase& object, KeyValue key, const Bind& place);
  // The object's row is gone.
  void Forget(const EntityBase& object) { identity_map_->Erase(object); }

 private:
  void LookUp(const Mapping& mapping) const;
  void TellLoaded(EntityBase& object) const {
    for (const auto& listener : listeners_) listener->AfterLoad(object);
  }

  const BindResolver& resolver_;
  mutable const Mapping* latest_mapping_ = nullptr;
  mutable bool latest_is_everywhere_ = false;
  IdentityMap* identity_map_;
  ObjectHost* host_;
  History* rekeyed_;
  const SessionListeners& listeners_;
};

// The primary key in a row.
KeyValue KeyOfRow(const Mapping& mapping, const RowLayout& layout,
                  absl::Span<const sql::ValueView> row);

// "Account.balance: <what>", for an attribute that cannot take its cell.
absl::Status CellError(const Mapping& mapping, std::size_t field,
                       const sql::ValueView& cell, const absl::Status& error);

}  // namespace shard

#endif  // SHARD_SESSION_OBJECT_LOADER_H_
