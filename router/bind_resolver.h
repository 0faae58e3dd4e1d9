// The interface of all routers.
#ifndef SHARD_ROUTER_BIND_RESOLVER_H_
#define SHARD_ROUTER_BIND_RESOLVER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/bind.h"
#include "shard/router/bind_request.h"
#include "shard/router/route.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"

namespace shard {

// Rows of another class that stay with a row: they are on its shard, and move
// to another one together with it.
struct CoLocatedRows {
  const sql::Table* table = nullptr;  // where they are
  // A column of theirs, and the one of the row that it repeats. Together the
  // latter are the row's primary key, and more where the shard is told by more.
  std::vector<std::pair<const sql::Column*, const sql::Column*>> columns;
};

// Decides where work goes. Shared by all sessions of a program, so it must be
// thread-safe; it must outlive them, and keep alive the engines it answers
// with.
//
// Ready-made: VerticalResolver (by class), HorizontalResolver (by row),
// ReplicaSet (reads here, writes there), and RuleResolver, which chooses among
// such by rules of your own. Or write one by overriding Resolve:
//
//   class Archive : public BindResolver {
//     absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
//       return Bind{MayWrite(request) ? live : archive};
//     }
//   };
//
// When a read's engine cannot be reached, the session asks once more, and goes
// where the resolver says then: see Engine::unreachable_at.
class BindResolver {
 public:
  virtual ~BindResolver() = default;

  // The one place for this work. An error stops the work before any SQL.
  virtual absl::StatusOr<Bind> Resolve(const BindRequest& request) = 0;

  // Every place that a read, an UPDATE or a DELETE must visit; at least one.
  // Unless overridden: the one place.
  virtual absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) {
    absl::StatusOr<Bind> bind = Resolve(request);
    if (!bind.ok()) return bind.status();
    return BindSet{*bind};
  }

  // What ResolveAll answers, or Resolve where the request has an object, and
  // why, in words for people. Unless overridden it is "by the bind resolver".
  virtual absl::StatusOr<Route> Explain(const BindRequest& request);

  // Where ResolveAll named several places: the statement as this one of them
  // gets it, which may differ in its WHERE alone (of an IN list only the values
  // that can be there); none: as it is.
  virtual std::optional<sql::Statement> StatementFor(const BindRequest& request,
                                                     const Bind& bind) {
    (void)request, (void)bind;
    return std::nullopt;
  }

  // Where ResolveAll named several places for a read: the most rows that it may
  // fetch from all of them; none: any number.
  virtual std::optional<std::int64_t> MostRows(const BindRequest& request) {
    (void)request;
    return std::nullopt;
  }

  // All shards that it can name, for resolvers around it; empty where it has
  // none.
  virtual std::vector<ShardId> Shards() const { return {}; }

  // Whether it may answer with that engine; false also where it cannot know.
  virtual bool Reaches(const Engine& engine) const {
    return !ShardOf(engine).is_none();
  }

  // Which shard an engine is that a caller named past the resolver; none where
  // it is no shard, or unknown. What was read there has that in its identity.
  virtual ShardId ShardOf(const Engine& engine) const {
    (void)engine;
    return ShardId();
  }

  // Whether what the request writes is to be written at every place that
  // ResolveAll names for it, the same everywhere, as rows of a table that
  // stands on all shards are (ReferenceTable). Objects of such a class have no
  // shard in their identity. The first place comes first: what a database
  // makes, as keys are, it makes there, and the others get that. Not asked of
  // work whose shard or engine the caller named.
  virtual bool WritesEverywhere(const BindRequest& request) const {
    (void)request;
    return false;
  }

  // The columns that decide on which shard an object of the class lives; empty
  // where none do. The session refuses to change them in a way that would leave
  // the row on the wrong shard.
  virtual std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const {
    (void)class_info;
    return {};
  }

  // No row was found where Resolve or ResolveAll had said. Drops what is
  // remembered of this key, since the row may have moved; true if asking again
  // may give another answer. Unless overridden: nothing is remembered, false.
  virtual bool Forget(const BindRequest& request) {
    (void)request;
    return false;
  }

  // The rows that follow a row of this table: asked when it moves to another
  // shard (SessionOptions::shard_key_change). None, unless overridden.
  virtual std::vector<CoLocatedRows> CoLocatedWith(
      const sql::Table& table) const {
    (void)table;
    return {};
  }
};

// A resolver out of a function: FunctionResolver([&](const BindRequest& r) ->
// absl::StatusOr<Bind> { ... }). The function must be thread-safe.
class FunctionResolver : public BindResolver {
 public:
  using Function = std::function<absl::StatusOr<Bind>(const BindRequest&)>;
  explicit FunctionResolver(Function function)
      : function_(std::move(function)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    return function_(request);
  }

 private:
  Function function_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_BIND_RESOLVER_H_
