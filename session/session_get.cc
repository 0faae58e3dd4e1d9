// SessionCore's finding of objects by their primary keys.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/object_key_reader.h"
#include "shard/session/session_core.h"
#include "shard/session/share_part.h"

namespace shard {
namespace {

// A key was asked for that `found` has, and an object on another shard too.
absl::Status OnTwoShards(const EntityBase& found, const std::string& other) {
  return absl::FailedPreconditionError(absl::StrCat(
      found.mapping().class_info().name, " ",
      InstanceAccess::State(found).key.DebugString(), " is on shard '",
      found.shard().name(), "' and on shard '", other, "'; name the shard"));
}

bool IsCurrent(const std::shared_ptr<EntityBase>& known) {
  return known != nullptr && !InstanceAccess::State(*known).expired;
}

}  // namespace

std::shared_ptr<EntityBase> SessionCore::FindUnsharded(
    const Mapping& mapping, const KeyValue& key) const {
  if (!identity_map_.holds_unsharded()) return nullptr;
  auto known = identity_map_.Find({&mapping, ShardId(), key});
  return IsCurrent(known) ? known : nullptr;
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::Get(
    const Mapping& mapping, const KeyValue& key, const BindArguments& bind) {
  // Objects of a class that is not sharded have no shard in their identity; no
  // object of a sharded class is found this way. (FindUnsharded would do it
  // too, but handing the pointer on takes a third of the time.)
  if (!bind.shard.has_value() && bind.shards.empty() &&
      identity_map_.holds_unsharded()) {
    auto known = identity_map_.Find({&mapping, ShardId(), key});
    if (IsCurrent(known)) return known;
  }
  SHARD_RETURN_IF_ERROR(mapping.status());
  const auto views = key.Views();
  PrimaryKeyReader reader(mapping, views);
  return FindOrLoad(mapping, key, reader, bind);
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::FindOrLoad(
    const Mapping& mapping, const KeyValue& key, KeyReader& reader,
    const BindArguments& bind) {
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.object = &reader;
  request.operation = Operation::kRead;
  request.shard = bind.shard;
  request.shards = bind.shards;
  request.arguments = &bind.values;
  request.history = &transaction_;
  const bool is_named =
      bind.shard.has_value() || !bind.shards.empty() || bind.engine != nullptr;
  const absl::StatusOr<BindSet> binds = ResolveAll(request, bind);
  if (!binds.ok()) return binds.status();
  auto found = FindOrLoadAt(mapping, key, request, bind, *binds);
  if (!found.ok() || *found != nullptr || is_named ||
      !options_.resolver->Forget(request)) {
    return found;
  }
  // The row may have moved since the router learned where it is.
  const absl::StatusOr<BindSet> now = ResolveAll(request, bind);
  if (!now.ok()) return now.status();
  if (*now == *binds) return found;
  return FindOrLoadAt(mapping, key, request, bind, *now);
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::FindOrLoadAt(
    const Mapping& mapping, const KeyValue& key, BindRequest request,
    const BindArguments& bind, BindSet binds) {
  std::shared_ptr<EntityBase> found;
  for (const Bind& place : binds) {
    const ShardId shard = loader_.ShardInIdentity(mapping, place);
    if (shard.is_none() && !identity_map_.holds_unsharded()) continue;
    auto known = identity_map_.Find({&mapping, shard, key});
    if (known == nullptr) continue;
    if (InstanceAccess::State(*known).expired) {
      request.origin = InstanceAccess::State(*known).engine;
      continue;
    }
    if (found != nullptr) {
      return OnTwoShards(*found, place.shard.name());
    }
    found = std::move(known);
  }
  if (found != nullptr) return found;
  const bool flushes = !work_.empty();
  SHARD_RETURN_IF_ERROR(Autoflush());
  // A resolver that reads elsewhere than it writes may change its mind.
  if (flushes || request.origin != nullptr) {
    SHARD_ASSIGN_OR_RETURN(binds, ResolveAll(request, bind));
  }
  return LoadFrom(mapping, key, request, bind, std::move(binds));
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::LoadFrom(
    const Mapping& mapping, const KeyValue& key, const BindRequest& request,
    const BindArguments& bind, BindSet binds) {
  for (int tries = 0;;) {
    absl::Status failure;
    if (binds.size() == 1) {
      absl::StatusOr<Share*> share = transaction_.ShareFor(binds.front());
      if (share.ok()) return LoadByKey(mapping, key.Views(), **share);
      failure = share.status();
    } else {
      absl::StatusOr<std::vector<Share*>> shares = SharesAt(binds);
      if (shares.ok()) return LoadByKey(mapping, key, *shares);
      failure = shares.status();
    }
    SHARD_RETURN_IF_ERROR(GoElsewhere(request, bind, failure, &binds, &tries));
  }
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::LoadByKey(
    const Mapping& mapping, absl::Span<const sql::ValueView> key,
    Share& share) {
  SHARD_ASSIGN_OR_RETURN(const CompiledStatement* statement,
                         statements_.SelectByKey(mapping, share.dialect()));
  SHARD_RETURN_IF_ERROR(
      share.Execute({statement, key, 1, true}, &scratch_).status());
  if (scratch_.rows() == 0) return nullptr;
  return loader_.Load(mapping, mapping.layout(), share.bind(), scratch_.row(0));
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::LoadByKey(
    const Mapping& mapping, const KeyValue& key,
    const std::vector<Share*>& shares) {
  const auto views = key.Views();
  std::vector<SharePart> parts;
  for (Share* share : shares) {
    SHARD_ASSIGN_OR_RETURN(const CompiledStatement* statement,
                           statements_.SelectByKey(mapping, share->dialect()));
    // The session keeps the statement; the part need not own it.
    parts.push_back({share,
                     {std::shared_ptr<const CompiledStatement>(), statement},
                     {views.begin(), views.end()},
                     1,
                     {},
                     0});
  }
  SHARD_RETURN_IF_ERROR(RunParts(parts));
  std::shared_ptr<EntityBase> found;
  for (const SharePart& part : parts) {
    if (part.rows.rows() == 0) continue;
    if (found != nullptr) {
      return OnTwoShards(*found, part.share->name());
    }
    SHARD_ASSIGN_OR_RETURN(
        found, loader_.Load(mapping, mapping.layout(), part.share->bind(),
                            part.rows.row(0)));
  }
  return found;
}

}  // namespace shard
