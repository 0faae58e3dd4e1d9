#include "shard/router/shard_places.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/router/shard_set.h"

namespace shard {

std::string NamesOf(absl::Span<const ShardId> shards) {
  std::string names;
  for (const ShardId shard : shards) {
    absl::StrAppend(&names, names.empty() ? "'" : ", '", shard.name(), "'");
  }
  return names;
}

ShardPlaces::operator Engines() const {
  Engines engines;
  for (const auto& [name, place] : *this) {
    if (place.engine != nullptr) engines.emplace_back(name, place.engine);
  }
  return engines;
}

absl::StatusOr<ShardPlaceTable> ShardPlaceTable::Create(
    ShardPlaces places, const ShardNamings& namings) {
  if (places.empty()) {
    return absl::InvalidArgumentError("a router by shards has no shards");
  }
  ShardPlaceTable table;
  for (const auto& [name, place] : places) {
    SHARD_RETURN_IF_ERROR(table.Add(name, place));
  }
  for (const auto& [shard, naming] : namings) {
    SHARD_RETURN_IF_ERROR(table.Name(shard, naming));
  }
  table.places_ = std::move(places);
  return table;
}

absl::Status ShardPlaceTable::Name(const std::string& shard,
                                   const TableNaming& naming) {
  const ShardId id = ShardId::Of(shard);
  const Engine* const engine = Has(id) ? EntryOf(id).engine : nullptr;
  if (engine == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there is a naming for shard '", shard, "', which there is not",
        Has(id) ? " as a database of its own" : ""));
  }
  const auto named = engine->dialect().Named(naming);
  if (!named.ok()) {
    return Annotate(named.status(), absl::StrCat("shard '", shard, "'"));
  }
  if (*named != &engine->dialect()) EntryOf(id).names = *named;
  return absl::OkStatus();
}

std::vector<Bind> ShardPlaceTable::databases() const {
  std::vector<Bind> binds;
  for (const auto& [name, place] : places_) {
    const ShardId shard = ShardId::Of(name);
    const Entry& entry = entries_[shard.number()];
    if (entry.engine != nullptr) {
      binds.push_back({entry.engine, shard, entry.names});
    }
  }
  return binds;
}

ShardPlaceTable::Entry& ShardPlaceTable::EntryOf(ShardId shard) {
  if (entries_.size() <= shard.number()) entries_.resize(shard.number() + 1);
  return entries_[shard.number()];
}

absl::Status ShardPlaceTable::Add(const std::string& name,
                                  const ShardPlace& place) {
  if (name.empty() || (place.engine == nullptr && place.resolver == nullptr)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "shard '", name, "' needs a name, and an engine or a resolver"));
  }
  const auto twice = [](std::string_view shard) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are two shards named '", ToAbsl(shard), "'"));
  };
  const ShardId shard = ShardId::Of(name);
  if (Has(shard)) return twice(name);
  EntryOf(shard) = {place.engine.get(), place.resolver.get(), nullptr, shard,
                    false};
  if (place.resolver == nullptr) return absl::OkStatus();
  for (const ShardId inner : place.resolver->Shards()) {
    if (Has(inner)) return twice(inner.name());
    EntryOf(inner) = {nullptr, place.resolver.get(), nullptr, shard, true};
  }
  return absl::OkStatus();
}

std::vector<ShardId> ShardPlaceTable::ids() const {
  std::vector<ShardId> ids;
  for (const auto& [name, place] : places_) {
    ids.push_back(ShardId::Of(name));
    if (place.resolver == nullptr) continue;
    for (const ShardId inner : place.resolver->Shards()) ids.push_back(inner);
  }
  return ids;
}

std::vector<ShardId> ShardPlaceTable::own_ids() const {
  std::vector<ShardId> ids;
  for (const auto& [name, place] : places_) ids.push_back(ShardId::Of(name));
  return ids;
}

absl::Status ShardPlaceTable::Unknown(std::string_view shard) const {
  return absl::NotFoundError(absl::StrCat("there is no shard '", ToAbsl(shard),
                                          "'; there are ", NamesOf(ids())));
}

BindRequest ShardPlaceTable::RequestInside(ShardId shard,
                                           const BindRequest& request) const {
  BindRequest inside = request;
  inside.shards = {};
  inside.shard.reset();
  if (entries_[shard.number()].is_inner) inside.shard = shard;
  return inside;
}

absl::StatusOr<Bind> ShardPlaceTable::BindInside(
    ShardId shard, const BindRequest& request) const {
  if (!Has(shard)) return Unknown(shard.name());
  const Entry& entry = entries_[shard.number()];
  absl::StatusOr<Bind> bind =
      entry.resolver->Resolve(RequestInside(shard, request));
  if (!bind.ok()) {
    return Annotate(bind.status(), absl::StrCat("shard '", shard.name(), "'"));
  }
  if (bind->shard.is_none()) bind->shard = shard;
  return bind;
}

absl::StatusOr<BindSet> ShardPlaceTable::BindsOf(
    absl::Span<const ShardId> shards, const BindRequest& request) const {
  BindSet binds;
  for (const ShardId shard : shards) {
    if (ResolverOf(shard) == nullptr) {
      SHARD_ASSIGN_OR_RETURN(const Bind bind, BindOf(shard, request));
      binds.push_back(bind);
      continue;
    }
    absl::StatusOr<BindSet> inside =
        ResolverOf(shard)->ResolveAll(RequestInside(shard, request));
    if (!inside.ok()) {
      return Annotate(inside.status(),
                      absl::StrCat("shard '", shard.name(), "'"));
    }
    for (Bind& bind : *inside) {
      if (bind.shard.is_none()) bind.shard = shard;
      binds.push_back(bind);
    }
  }
  return binds;
}

absl::StatusOr<BindSet> ShardPlaceTable::BindsOfNamed(
    absl::Span<const ShardId> shards, const BindRequest& request) const {
  ShardSet known;
  for (const ShardId shard : shards) {
    if (!Has(shard)) return Unknown(shard.name());
    if (Contains(known, shard)) {
      return absl::InvalidArgumentError(
          absl::StrCat("shard '", shard.name(), "' is named twice"));
    }
    known.push_back(shard);
  }
  return BindsOf(known, request);
}

ShardId ShardPlaceTable::ShardOf(const Engine& engine) const {
  for (const auto& [name, place] : places_) {
    const ShardId shard = ShardId::Of(name);
    if (place.engine.get() == &engine &&
        entries_[shard.number()].names == nullptr) {
      return shard;
    }
    if (place.resolver == nullptr) continue;
    const ShardId inner = place.resolver->ShardOf(engine);
    if (!inner.is_none()) return inner;
    if (place.resolver->Reaches(engine)) return shard;
  }
  return ShardId();
}

bool ShardPlaceTable::Reaches(const Engine& engine) const {
  return std::any_of(places_.begin(), places_.end(), [&](const auto& named) {
    const ShardPlace& place = named.second;
    return place.engine.get() == &engine ||
           (place.resolver != nullptr && place.resolver->Reaches(engine));
  });
}

}  // namespace shard
