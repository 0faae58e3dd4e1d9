#include "shard/router/replica_set.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"
#include "shard/router/engine_resolver.h"
#include "shard/router/may_write.h"

namespace shard {
namespace {

absl::Status Check(const ReplicaSetOptions& options) {
  const auto& replicas = options.replicas;
  if (replicas.empty() || replicas.size() > Balancer::kMostChoices) {
    return absl::InvalidArgumentError(
        absl::StrCat("a replica set has 1 to ", Balancer::kMostChoices,
                     " replicas, not ", replicas.size()));
  }
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (replicas[i].engine == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("replica ", i + 1, " of the set has no engine"));
    }
    const std::string& name = replicas[i].engine->name();
    if (replicas[i].weight == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "replica '", name, "' has weight 0; leave it out of the set"));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (replicas[j].engine != replicas[i].engine) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "replica '", name, "' is in the set twice; give it a weight"));
    }
  }
  const auto shortest = std::min({options.catch_up_timeout, options.retry_after,
                                  options.lag_limit, options.sample_every,
                                  options.sample_timeout});
  if (shortest < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "the times of a replica set must not be below zero");
  }
  return absl::OkStatus();
}

std::vector<Balancer::Choice> ChoicesOf(const ReplicaSetOptions& options) {
  std::vector<Balancer::Choice> choices;
  for (const auto& replica : options.replicas) {
    choices.push_back({replica.engine.get(), replica.weight});
  }
  return choices;
}

EngineHistory HistoryWith(const BindRequest& request,
                          const std::shared_ptr<Engine>& engine) {
  if (request.history == nullptr || engine == nullptr) return {};
  return request.history->With(*engine);
}

std::size_t FirstOf(std::uint64_t set) {
  return static_cast<std::size_t>(std::countr_zero(set));
}

}  // namespace

absl::StatusOr<std::shared_ptr<ReplicaSet>> ReplicaSet::Create(
    ReplicaSetOptions options) {
  SHARD_RETURN_IF_ERROR(Check(options));
  return std::shared_ptr<ReplicaSet>(new ReplicaSet(std::move(options)));
}

ReplicaSet::ReplicaSet(ReplicaSetOptions options)
    : options_(std::move(options)),
      balancer_(options_.balance, ChoicesOf(options_), options_.seed) {
  const bool positions = options_.own_writes == OwnWrites::kFromCaughtUp;
  if (positions && options_.primary != nullptr) {
    options_.primary->NoteLogPositions();
  }
  for (const auto& replica : options_.replicas) {
    replicas_.push_back(std::make_unique<Replica>(
        replica.engine, Replica::Watch{options_.retry_after, options_.lag_limit,
                                       options_.sample_every,
                                       options_.sample_timeout, positions}));
  }
}

absl::StatusOr<Bind> ReplicaSet::Resolve(const BindRequest& request) {
  SHARD_RETURN_IF_ERROR(CheckNamesNoShard(
      request, options_.primary != nullptr ? *options_.primary
                                           : replicas_.front()->engine()));
  SHARD_ASSIGN_OR_RETURN(Engine * engine, EngineFor(request));
  return Bind{engine, ShardId()};
}

bool ReplicaSet::Reaches(const Engine& engine) const {
  return &engine == options_.primary.get() || SetOf(&engine) != 0;
}

absl::StatusOr<Engine*> ReplicaSet::Primary(const BindRequest& request) const {
  if (options_.primary != nullptr) return options_.primary.get();
  const bool text = request.operation == Operation::kExecute;
  return absl::FailedPreconditionError(absl::StrCat(
      "what may write cannot go to '", replicas_.front()->engine().name(),
      "' and the other replicas of a set without a primary",
      text ? ": say where text, or a connection, belongs by OnEngine, or run "
             "it in a transaction that is begun read-only"
           : "; name one in ReplicaSetOptions::primary"));
}

absl::StatusOr<Engine*> ReplicaSet::EngineFor(const BindRequest& request) {
  if (MayWrite(request)) return Primary(request);
  if (request.history != nullptr) {
    if (Engine* engine = InTransaction(*request.history)) return engine;
  }
  const EngineHistory primary = HistoryWith(request, options_.primary);
  const bool again =
      request.origin != nullptr &&
      (request.origin == options_.primary.get() || SetOf(request.origin) != 0);
  const Set among = again ? SetOf(request.origin) : ~Set{0};
  if (primary.wrote) {
    const bool may_lag = options_.own_writes == OwnWrites::kInTransaction;
    if (options_.own_writes == OwnWrites::kFromCaughtUp &&
        primary.position.has_value()) {
      return CaughtUp(*primary.position, among);
    }
    if (!may_lag || again) return options_.primary.get();
  }
  if (!again || options_.primary == nullptr) return PickFit(~Set{0});
  const Set fit = Fit(among);
  return fit != 0 ? &replicas_[FirstOf(fit)]->engine() : options_.primary.get();
}

Engine* ReplicaSet::InTransaction(const SessionHistory& history) const {
  if (options_.primary != nullptr &&
      history.With(*options_.primary).in_transaction) {
    return options_.primary.get();
  }
  for (const auto& replica : replicas_) {
    if (history.With(replica->engine()).in_transaction) {
      return &replica->engine();
    }
  }
  return nullptr;
}

ReplicaSet::Set ReplicaSet::SetOf(const Engine* engine) const {
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    if (&replicas_[i]->engine() == engine) return Set{1} << i;
  }
  return 0;
}

ReplicaSet::Set ReplicaSet::Fit(Set among) {
  Set fit = 0;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const Set bit = Set{1} << i;
    if ((among & bit) != 0 && replicas_[i]->IsFit()) fit |= bit;
  }
  return fit;
}

absl::StatusOr<Engine*> ReplicaSet::PickFit(Set among) {
  if (const Set fit = Fit(among); fit != 0) {
    return &replicas_[balancer_.Pick(fit)]->engine();
  }
  if (options_.fall_back_to_primary && options_.primary != nullptr) {
    return options_.primary.get();
  }
  return NoneIsFit();
}

ReplicaSet::Set ReplicaSet::Showing(std::uint64_t position, Set among) {
  Set showing = 0;
  for (Set left = Fit(among); left != 0; left &= left - 1) {
    const std::size_t i = FirstOf(left);
    if (replicas_[i]->Shows(position)) showing |= Set{1} << i;
  }
  return showing;
}

Engine* ReplicaSet::CaughtUp(std::uint64_t position, Set among) {
  constexpr absl::Duration kLongestPause = absl::Milliseconds(20);
  const absl::Time deadline = Now() + options_.catch_up_timeout;
  absl::Duration pause = absl::Milliseconds(1);
  while (true) {
    if (const Set showing = Showing(position, among); showing != 0) {
      return &replicas_[balancer_.Pick(showing)]->engine();
    }
    // Nobody is left who could catch up, or there is no more time.
    const absl::Duration left = deadline - Now();
    if (left <= absl::ZeroDuration() || Fit(among) == 0) {
      return options_.primary.get();
    }
    Pause(std::min(pause, left));
    pause = std::min(pause * 2, kLongestPause);
  }
}

absl::Status ReplicaSet::NoneIsFit() const {
  std::string reasons;
  for (const auto& replica : replicas_) {
    absl::StrAppend(&reasons, reasons.empty() ? "'" : ", '",
                    replica->engine().name(), "' ", replica->WhyUnfit());
  }
  return absl::UnavailableError(
      absl::StrCat("there is no replica to read from: ", reasons));
}

}  // namespace shard
