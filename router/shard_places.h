// Where the shards of a router are.
#ifndef SHARD_ROUTER_SHARD_PLACES_H_
#define SHARD_ROUTER_SHARD_PLACES_H_

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/table_naming.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/shard_id.h"

namespace shard {

// What stands behind the name of a shard: a database, or another resolver (a
// primary with replicas, say) that is asked in turn. Plain value.
struct ShardPlace {
  std::shared_ptr<Engine> engine;
  std::shared_ptr<BindResolver> resolver;  // if there is no engine

  ShardPlace(std::shared_ptr<Engine> database)  // NOLINT: is a place
      : engine(std::move(database)) {}
  template <std::derived_from<BindResolver> Resolver>
  ShardPlace(std::shared_ptr<Resolver> inner)  // NOLINT: is a place
      : resolver(std::move(inner)) {}
  ShardPlace(std::nullptr_t) {}  // NOLINT: to be refused
};

// Every shard by name. A list of names with engines is one, too.
class ShardPlaces : public std::vector<std::pair<std::string, ShardPlace>> {
 public:
  using Base = std::vector<std::pair<std::string, ShardPlace>>;
  using Engines = std::vector<std::pair<std::string, std::shared_ptr<Engine>>>;
  ShardPlaces() = default;
  ShardPlaces(std::initializer_list<value_type> places) : Base(places) {}
  ShardPlaces(const Engines& engines)  // NOLINT: is one
      : Base(engines.begin(), engines.end()) {}

  // The databases among them, as TopologyOptions takes them.
  operator Engines() const;  // NOLINT: a list of engines is one of places
};

// How tables are named on a shard, by its name.
using ShardNamings = std::vector<std::pair<std::string, TableNaming>>;

// Finds them by id. Immutable once it is made, then thread-safe.
//
// A resolver behind a shard is asked without the shard, since the name means
// nothing to it. What it answers keeps the shard's name, unless the resolver
// has shards of its own: those can be named, too, and stay as they are.
class ShardPlaceTable {
 public:
  // kInvalidArgument: no shards, one without a name or place, two of one name,
  // or a naming of a shard that there is not or that is no engine;
  // kUnimplemented when a database cannot name tables like that.
  static absl::StatusOr<ShardPlaceTable> Create(ShardPlaces places,
                                                const ShardNamings& namings);

  // Those that are engines.
  std::vector<Bind> databases() const;
  // Of all shards, also those of resolvers inside.
  std::vector<ShardId> ids() const;
  // Without those of resolvers inside.
  std::vector<ShardId> own_ids() const;
  bool Has(ShardId shard) const {
    return shard.number() < entries_.size() && entries_[shard.number()].known();
  }
  // The shard of ours that `shard` is, or is a shard of; none: there is no such
  // shard.
  ShardId OursOf(ShardId shard) const {
    return Has(shard) ? entries_[shard.number()].ours : ShardId();
  }
  // Null where there is none.
  BindResolver* ResolverOf(ShardId shard) const {
    return Has(shard) ? entries_[shard.number()].resolver : nullptr;
  }

  // kNotFound for an unknown shard, naming those that there are; errors of a
  // resolver behind the shard name it.
  absl::StatusOr<Bind> BindOf(ShardId shard, const BindRequest& request) const {
    if (Has(shard) && entries_[shard.number()].engine != nullptr) [[likely]] {
      const Entry& entry = entries_[shard.number()];
      return Bind{entry.engine, shard, entry.names};
    }
    return BindInside(shard, request);
  }
  absl::StatusOr<BindSet> BindsOf(absl::Span<const ShardId> shards,
                                  const BindRequest& request) const;
  // The same for shards that a caller named: also kInvalidArgument for one that
  // is named twice.
  absl::StatusOr<BindSet> BindsOfNamed(absl::Span<const ShardId> shards,
                                       const BindRequest& request) const;
  absl::Status Unknown(std::string_view shard) const;

  // As in BindResolver. Of several that share the database, that whose tables
  // go by their own names.
  ShardId ShardOf(const Engine& engine) const;
  bool Reaches(const Engine& engine) const;

 private:
  struct Entry {
    Engine* engine = nullptr;
    BindResolver* resolver = nullptr;
    const Dialect* names = nullptr;  // null: as they are declared
    ShardId ours{};                  // the shard itself, or the one around it
    bool is_inner = false;           // the resolver knows it by that name
    bool known() const { return !ours.is_none(); }
  };

  absl::Status Add(const std::string& name, const ShardPlace& place);
  absl::Status Name(const std::string& shard, const TableNaming& naming);
  Entry& EntryOf(ShardId shard);
  BindRequest RequestInside(ShardId shard, const BindRequest& request) const;
  absl::StatusOr<Bind> BindInside(ShardId shard,
                                  const BindRequest& request) const;

  ShardPlaces places_;
  std::vector<Entry> entries_;  // by ShardId::number()
};

// "'a', 'b'".
std::string NamesOf(absl::Span<const ShardId> shards);

}  // namespace shard

#endif  // SHARD_ROUTER_SHARD_PLACES_H_
