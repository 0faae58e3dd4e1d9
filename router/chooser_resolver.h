// Horizontal partitioning by functions of your own.
#ifndef SHARD_ROUTER_CHOOSER_RESOLVER_H_
#define SHARD_ROUTER_CHOOSER_RESOLVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/shard_places.h"
#include "shard/router/shard_set.h"

namespace shard {

// The three choices, each answered with names of shards. They must be
// thread-safe, and may fail with a Status of their own. What a request says of
// columns is told by KnownValue and PossibleValues (request_values.h).
struct Choosers {
  using One =
      std::function<absl::StatusOr<std::string>(const BindRequest& request)>;
  using Several = std::function<absl::StatusOr<std::vector<std::string>>(
      const BindRequest& request)>;

  // The shard of a new object or row, of which `request.object` tells.
  One shard;
  // The shards that may hold a primary key, of which `request.object` tells.
  Several identity;
  // The shards that a statement must visit: `request.statement`.
  Several statement;
};

// Asks them where nobody has named a shard: an object that is stored stays
// where it is, so they are not asked again for it. Where one declaration says
// it all, HorizontalResolver is less to write, and less to get wrong:
//
//   choosers.statement = [](const BindRequest& request)
//       -> absl::StatusOr<std::vector<std::string>> {
//     const auto continents = PossibleValues(request, City::c.continent);
//     if (!continents.has_value()) return AllShards();
//     ...
//   };
//
// Thread-safe.
class ChooserResolver : public BindResolver {
 public:
  // Namings as in HorizontalOptions. kInvalidArgument, naming it, when a
  // chooser is missing, and when two shards have all tables in common; and the
  // errors of ShardPlaceTable.
  static absl::StatusOr<std::shared_ptr<ChooserResolver>> Create(
      ShardPlaces shards, Choosers choosers, const ShardNamings& namings = {});

  // An explicit shard goes before. kInternal, naming chooser and shard, for an
  // answer that makes no sense: an unknown shard, none, one twice;
  // kInvalidArgument where there is neither an object nor a statement to choose
  // one shard by, or several where one is needed; kNotFound for an unknown
  // shard that the caller named.
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override;

  absl::StatusOr<Route> Explain(const BindRequest& request) override;
  std::vector<ShardId> Shards() const override { return places_.ids(); }
  ShardId ShardOf(const Engine& engine) const override {
    return places_.ShardOf(engine);
  }
  bool Reaches(const Engine& engine) const override {
    return places_.Reaches(engine);
  }

 private:
  ChooserResolver(ShardPlaceTable places, Choosers choosers)
      : places_(std::move(places)), choosers_(std::move(choosers)) {}
  absl::StatusOr<ShardSet> Choose(const BindRequest& request) const;
  absl::StatusOr<ShardSet> Checked(const BindRequest& request,
                                   const char* chooser,
                                   const std::vector<std::string>& names) const;

  const ShardPlaceTable places_;
  const Choosers choosers_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_CHOOSER_RESOLVER_H_
