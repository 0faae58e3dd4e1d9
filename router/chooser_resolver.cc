#include "shard/router/chooser_resolver.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/router/may_write.h"
#include "shard/router/shard_set.h"
#include "shard/router/shared_databases.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

constexpr char kShard[] = "the shard chooser";
constexpr char kIdentity[] = "the identity chooser";
constexpr char kStatement[] = "the statement chooser";

const char* ChooserFor(const BindRequest& request) {
  if (request.object == nullptr) return kStatement;
  return IsRead(request) ? kIdentity : kShard;
}

// " for class City", where it is known.
std::string Subject(const BindRequest& request) {
  if (request.class_info != nullptr) {
    return absl::StrCat(" for class ", request.class_info->name);
  }
  if (request.statement == nullptr) return "";
  const auto tables = TablesOf(*request.statement);
  if (tables.empty()) return "";
  return absl::StrCat(" for table '", tables.front()->name(), "'");
}

}  // namespace

absl::StatusOr<std::shared_ptr<ChooserResolver>> ChooserResolver::Create(
    ShardPlaces shards, Choosers choosers, const ShardNamings& namings) {
  const char* missing = choosers.shard == nullptr       ? "shard"
                        : choosers.identity == nullptr  ? "identity"
                        : choosers.statement == nullptr ? "statement"
                                                        : nullptr;
  if (missing != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("a ChooserResolver needs all three choosers, and Choosers",
                     "::", missing, " is not set"));
  }
  SHARD_ASSIGN_OR_RETURN(ShardPlaceTable places,
                         ShardPlaceTable::Create(std::move(shards), namings));
  SHARD_RETURN_IF_ERROR(CheckTablesApart(places.databases(), {}));
  return std::shared_ptr<ChooserResolver>(
      new ChooserResolver(std::move(places), std::move(choosers)));
}

absl::StatusOr<ShardSet> ChooserResolver::Checked(
    const BindRequest& request, const char* chooser,
    const std::vector<std::string>& names) const {
  const auto wrong = [&](const std::string& what) {
    return absl::InternalError(
        absl::StrCat(chooser, Subject(request), " answered with ", what));
  };
  if (names.empty()) return wrong("no shard at all; it must name one");
  ShardSet shards;
  for (const std::string& name : names) {
    const ShardId shard = ShardId::Of(name);
    if (shard.is_none()) return wrong("an empty name; it must name a shard");
    if (!places_.Has(shard)) {
      return wrong(absl::StrCat("shard '", name, "', which there is not; ",
                                "there are ", NamesOf(places_.ids())));
    }
    if (Contains(shards, shard)) {
      return wrong(absl::StrCat("shard '", name,
                                "' twice; its rows would be found twice"));
    }
    shards.push_back(shard);
  }
  return shards;
}

absl::StatusOr<ShardSet> ChooserResolver::Choose(
    const BindRequest& request) const {
  if (request.object == nullptr && request.statement == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no object and no statement to choose a shard by",
                     Subject(request), "; name the shard"));
  }
  const char* const chooser = ChooserFor(request);
  std::vector<std::string> names;
  absl::Status failed;
  if (chooser == kShard) {
    const absl::StatusOr<std::string> name = choosers_.shard(request);
    failed = name.status();
    if (name.ok()) names.push_back(*name);
  } else {
    absl::StatusOr<std::vector<std::string>> several =
        chooser == kIdentity ? choosers_.identity(request)
                             : choosers_.statement(request);
    failed = several.status();
    if (several.ok()) names = *std::move(several);
  }
  if (!failed.ok()) {
    return Annotate(failed, absl::StrCat(chooser, Subject(request)));
  }
  return Checked(request, chooser, names);
}

absl::StatusOr<Bind> ChooserResolver::Resolve(const BindRequest& request) {
  if (request.shard.has_value()) {
    return places_.BindOf(*request.shard, request);
  }
  ShardSet shards(request.shards.begin(), request.shards.end());
  if (shards.empty()) {
    SHARD_ASSIGN_OR_RETURN(shards, Choose(request));
  }
  if (shards.size() == 1) return places_.BindOf(shards.front(), request);
  return absl::InvalidArgumentError(
      absl::StrCat("this needs one shard", Subject(request),
                   ", and may concern ", NamesOf(shards), "; name the shard"));
}

absl::StatusOr<BindSet> ChooserResolver::ResolveAll(
    const BindRequest& request) {
  if (request.shard.has_value()) {
    return places_.BindsOf({&*request.shard, 1}, request);
  }
  if (!request.shards.empty()) {
    return places_.BindsOfNamed(request.shards, request);
  }
  if (request.object == nullptr && request.statement == nullptr) {
    return places_.BindsOf(places_.own_ids(), request);
  }
  SHARD_ASSIGN_OR_RETURN(const ShardSet shards, Choose(request));
  return places_.BindsOf(shards, request);
}

absl::StatusOr<Route> ChooserResolver::Explain(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(Route route, BindResolver::Explain(request));
  const bool named = request.shard.has_value() || !request.shards.empty();
  route.why = named ? std::string("named by the caller")
                    : absl::StrCat("by ", ChooserFor(request));
  return route;
}

}  // namespace shard
