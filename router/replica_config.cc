#include "shard/router/replica_config.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/replica_set.h"

namespace shard {
namespace {

template <class Enum>
absl::Status ReadChoice(
    const ConfigNode& source, const char* name,
    const std::vector<std::pair<std::string, Enum>>& choices, Enum* choice) {
  const ConfigNode* const member = source.Find(name);
  if (member == nullptr) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const std::string text, member->AsText());
  std::vector<std::string> known;
  for (const auto& [word, meant] : choices) {
    known.push_back(word);
    if (word != text) continue;
    *choice = meant;
    return absl::OkStatus();
  }
  return member->NoSuch("choice", text, known);
}

absl::Status ReadMembers(const ConfigNode& source, const ConfigNode& primary,
                         RouterContext& context,
                         std::vector<ReplicaSetOptions::Member>* members) {
  const ConfigNode* const named = source.Find("replicas");
  if (named == nullptr) {
    SHARD_ASSIGN_OR_RETURN(const auto engines, context.ReplicasOf(primary));
    for (const auto& engine : engines) members->push_back({engine});
    return absl::OkStatus();
  }
  if (!named->is_object()) {
    SHARD_ASSIGN_OR_RETURN(const auto* list, named->AsList());
    for (const ConfigNode& item : *list) {
      SHARD_ASSIGN_OR_RETURN(members->emplace_back().engine,
                             context.EngineOf(item));
    }
    return absl::OkStatus();
  }
  for (const ConfigNode& item : named->items()) {
    SHARD_ASSIGN_OR_RETURN(auto engine, context.EngineNamed(item.name(), item));
    SHARD_ASSIGN_OR_RETURN(const std::int64_t weight,
                           item.AsInteger(1, 1'000'000));
    members->push_back({std::move(engine), static_cast<std::uint32_t>(weight)});
  }
  return absl::OkStatus();
}

absl::Status ReadTimes(const ConfigNode& source, ReplicaSetOptions* options) {
  const std::pair<const char*, absl::Duration*> times[] = {
      {"catch_up_timeout", &options->catch_up_timeout},
      {"retry_after", &options->retry_after},
      {"lag_limit", &options->lag_limit},
      {"sample_every", &options->sample_every},
      {"sample_timeout", &options->sample_timeout}};
  for (const auto& [name, time] : times) {
    const ConfigNode* const member = source.Find(name);
    if (member == nullptr) continue;
    SHARD_ASSIGN_OR_RETURN(*time, member->AsDuration());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<BindResolver>> MakeReplicaRouter(
    const RouterConfig& config, RouterContext& context) {
  const ConfigNode& source = config.source;
  SHARD_RETURN_IF_ERROR(source.CheckMembers(
      {"type", "primary", "replicas", "balance", "seed", "own_writes",
       "catch_up_timeout", "fall_back_to_primary", "retry_after", "lag_limit",
       "sample_every", "sample_timeout"}));
  ReplicaSetOptions options;
  SHARD_ASSIGN_OR_RETURN(const ConfigNode* primary, source.Need("primary"));
  SHARD_ASSIGN_OR_RETURN(options.primary, context.EngineOf(*primary));
  SHARD_RETURN_IF_ERROR(
      ReadMembers(source, *primary, context, &options.replicas));
  SHARD_RETURN_IF_ERROR(
      ReadChoice<Balance>(source, "balance",
                          {{"random", Balance::kRandom},
                           {"round_robin", Balance::kRoundRobin},
                           {"weighted", Balance::kWeighted},
                           {"fewest_in_use", Balance::kFewestInUse}},
                          &options.balance));
  SHARD_RETURN_IF_ERROR(
      ReadChoice<OwnWrites>(source, "own_writes",
                            {{"in_transaction", OwnWrites::kInTransaction},
                             {"from_primary", OwnWrites::kFromPrimary},
                             {"from_caught_up", OwnWrites::kFromCaughtUp}},
                            &options.own_writes));
  if (const ConfigNode* const seed = source.Find("seed")) {
    SHARD_ASSIGN_OR_RETURN(const std::int64_t number, seed->AsInteger(0));
    options.seed = static_cast<std::uint64_t>(number);
  }
  if (const ConfigNode* const falls = source.Find("fall_back_to_primary")) {
    SHARD_ASSIGN_OR_RETURN(options.fall_back_to_primary, falls->AsBool());
  }
  SHARD_RETURN_IF_ERROR(ReadTimes(source, &options));
  const auto made = ReplicaSet::Create(std::move(options));
  if (!made.ok()) return source.Wrong(ToStd(made.status().message()));
  return *made;
}

}  // namespace shard
