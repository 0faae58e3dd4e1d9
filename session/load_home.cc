#include "shard/session/load_home.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/reflection.h"
#include "shard/dialects/schema.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/load_record.h"
#include "shard/session/loader.h"

namespace shard {
namespace {

absl::StatusOr<std::vector<Engine*>> EnginesOf(const SessionOptions& session,
                                               const Mapping* mapping) {
  if (session.resolver == nullptr) {
    return absl::InvalidArgumentError("SessionOptions::resolver is not set");
  }
  BindRequest request;
  request.operation = Operation::kBulk;
  if (mapping != nullptr) request.class_info = &mapping->class_info();
  SHARD_ASSIGN_OR_RETURN(const BindSet binds,
                         session.resolver->ResolveAll(request));
  std::vector<Engine*> engines;
  for (const Bind& bind : binds) {
    if (std::find(engines.begin(), engines.end(), bind.engine) ==
        engines.end()) {
      engines.push_back(bind.engine);
    }
  }
  return engines;
}

std::vector<std::pair<std::string, std::shared_ptr<Engine>>> ByName(
    const Topology& topology) {
  auto databases = topology.databases();
  std::sort(databases.begin(), databases.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return databases;
}

}  // namespace

absl::Status CheckCommitsTogether(const SessionOptions& session,
                                  const Mapping& mapping) {
  if (!session.joined.empty()) {
    return absl::FailedPreconditionError(
        "a load commits its batches itself, which it cannot do on connections "
        "that SessionOptions::joined lends it");
  }
  SHARD_ASSIGN_OR_RETURN(const std::vector<Engine*> engines,
                         EnginesOf(session, &mapping));
  if (engines.size() < 2) return absl::OkStatus();
  const std::string what = absl::StrCat(
      "rows of ", mapping.class_info().name, " go to ", engines.size(),
      " databases, over which a batch of a load "
      "must be committed atomically: ");
  if (!session.two_phase) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, "switch SessionOptions::two_phase on"));
  }
  if (session.topology == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, "set SessionOptions::topology"));
  }
  for (const Engine* engine : engines) {
    if (!session.topology->NameOf(engine).empty()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(what, "'", engine->name(),
                     "' is not in SessionOptions::topology; add it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::shared_ptr<Engine>>> PostgresOf(
    const SessionOptions& session, const Mapping& mapping) {
  SHARD_ASSIGN_OR_RETURN(const std::vector<Engine*> engines,
                         EnginesOf(session, &mapping));
  std::vector<std::shared_ptr<Engine>> found;
  for (Engine* engine : engines) {
    if (engine->dialect().name() != "postgresql") continue;
    found.emplace_back(session.resolver, engine);
  }
  return found;
}

absl::StatusOr<std::vector<std::shared_ptr<Engine>>> LoadHomes(
    const SessionOptions& session, const Mapping* mapping) {
  std::vector<std::shared_ptr<Engine>> homes;
  if (session.two_phase && session.topology != nullptr) {
    for (auto& [name, engine] : ByName(*session.topology)) {
      homes.push_back(std::move(engine));
    }
    return homes;
  }
  SHARD_ASSIGN_OR_RETURN(const std::vector<Engine*> engines,
                         EnginesOf(session, mapping));
  if (engines.size() != 1) {
    return absl::FailedPreconditionError(
        "loads of several databases are written down only where they can be "
        "committed atomically: set SessionOptions::two_phase and topology");
  }
  // The resolver keeps it alive.
  homes.emplace_back(session.resolver, engines.front());
  return homes;
}

absl::StatusOr<bool> HasLoads(Engine& engine) {
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine.Connect());
  const absl::Status found =
      ReflectTable(*connection, LoadsTable().name()).status();
  if (absl::IsNotFound(found)) return false;
  SHARD_RETURN_IF_ERROR(found);
  return true;
}

absl::Status EnsureLoads(Engine& engine) {
  SHARD_ASSIGN_OR_RETURN(const bool there, HasLoads(engine));
  if (there) return absl::OkStatus();
  const absl::Status made = CreateAll(engine, {&LoadsTable()});
  if (made.ok()) return made;
  // Someone else may have been faster, which PostgreSQL takes for a conflict.
  const absl::StatusOr<bool> after_all = HasLoads(engine);
  return after_all.ok() && *after_all ? absl::OkStatus() : made;
}

absl::StatusOr<std::shared_ptr<Engine>> FindLoadHome(
    const SessionOptions& session, const Mapping& mapping,
    std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(auto homes, LoadHomes(session, &mapping));
  std::shared_ptr<Engine> found;
  for (const std::shared_ptr<Engine>& home : homes) {
    SHARD_ASSIGN_OR_RETURN(const bool has_table, HasLoads(*home));
    if (!has_table) continue;
    SessionCore core(LoaderSession(session));
    SHARD_ASSIGN_OR_RETURN(const std::optional<LoadState> state,
                           ReadLoad(core, home, name));
    if (!state.has_value()) continue;
    if (found != nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(
          "load '", ToAbsl(name), "' is written down both in '", found->name(),
          "' and in '", home->name(),
          "'; delete the row of table shard_loads that is not its own"));
    }
    found = home;
  }
  if (found != nullptr) return found;
  // A database that the load does not write to otherwise would make each batch
  // a commit over one more.
  SHARD_ASSIGN_OR_RETURN(const std::vector<Engine*> engines,
                         EnginesOf(session, &mapping));
  for (const std::shared_ptr<Engine>& home : homes) {
    if (std::find(engines.begin(), engines.end(), home.get()) !=
        engines.end()) {
      return home;
    }
  }
  return homes.front();
}

}  // namespace shard
