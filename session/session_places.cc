// SessionCore's asking where work goes, and going there.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/may_write.h"
#include "shard/session/session_core.h"

namespace shard {
namespace {

// A resolver that names dead engines in turn must come to an end.
constexpr int kMostPlaces = 64;

}  // namespace

Bind SessionCore::PlaceOf(const std::shared_ptr<Engine>& engine) {
  if (std::find(engines_.begin(), engines_.end(), engine) == engines_.end()) {
    engines_.push_back(engine);
  }
  // As what it is in this transaction, of which a resolver that wraps another
  // may know nothing. A shard that names its tables in a way of its own is not
  // what is meant.
  for (const auto& share : transaction_.shares()) {
    const Bind& bind = share->bind();
    if (bind.engine == engine.get() && bind.names == nullptr) return bind;
  }
  return {engine.get(), options_.resolver->ShardOf(*engine)};
}

absl::StatusOr<Bind> SessionCore::Resolve(const BindRequest& request,
                                          const BindArguments& bind) {
  if (bind.engine != nullptr) return PlaceOf(bind.engine);
  return options_.resolver->Resolve(request);
}

absl::StatusOr<BindSet> SessionCore::ResolveAll(const BindRequest& request,
                                                const BindArguments& bind) {
  if (bind.engine != nullptr) return BindSet{PlaceOf(bind.engine)};
  return options_.resolver->ResolveAll(request);
}

absl::StatusOr<std::vector<Share*>> SessionCore::SharesFor(
    const BindRequest& request, const BindArguments& bind) {
  SHARD_ASSIGN_OR_RETURN(BindSet binds, ResolveAll(request, bind));
  for (int tries = 0;;) {
    absl::StatusOr<std::vector<Share*>> shares = SharesAt(binds);
    if (shares.ok()) return shares;
    SHARD_RETURN_IF_ERROR(
        GoElsewhere(request, bind, shares.status(), &binds, &tries));
  }
}

absl::StatusOr<Share*> SessionCore::ShareFor(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(Bind bind, options_.resolver->Resolve(request));
  for (int tries = 0;; ++tries) {
    absl::StatusOr<Share*> share = transaction_.ShareFor(bind);
    const bool reached = !absl::IsUnavailable(share.status());
    if (reached || !IsRead(request) || tries == kMostPlaces) return share;
    SHARD_ASSIGN_OR_RETURN(const Bind other,
                           options_.resolver->Resolve(request));
    if (other == bind) return share;
    bind = other;
  }
}

absl::Status SessionCore::GoElsewhere(const BindRequest& request,
                                      const BindArguments& bind,
                                      const absl::Status& failure,
                                      BindSet* binds, int* tries) {
  const bool movable = absl::IsUnavailable(failure) && IsRead(request) &&
                       bind.engine == nullptr && *tries < kMostPlaces;
  if (!movable) return failure;
  ++*tries;
  SHARD_ASSIGN_OR_RETURN(BindSet others, ResolveAll(request, bind));
  if (others == *binds) return failure;
  *binds = std::move(others);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Share*>> SessionCore::SharesAt(
    const BindSet& binds) {
  SHARD_ASSIGN_OR_RETURN(std::vector<Share*> shares, PlanShares(binds));
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  return shares;
}

absl::StatusOr<std::vector<Share*>> SessionCore::PlanShares(
    const BindSet& binds) {
  if (binds.empty()) {
    return absl::InternalError(
        "the bind resolver answered with no place at all; it must name one");
  }
  std::vector<Share*> shares;
  for (const Bind& bind : binds) {
    SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(bind));
    if (std::any_of(shares.begin(), shares.end(), [&bind](const Share* known) {
          return known->bind().has_tables_of(bind);
        })) {
      return absl::InternalError(
          absl::StrCat("the bind resolver named '", bind.engine->name(),
                       "' twice; its rows would be read twice"));
    }
    shares.push_back(share);
  }
  return shares;
}

}  // namespace shard
