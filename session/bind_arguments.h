// What a caller says about where a statement belongs.
#ifndef SHARD_SESSION_BIND_ARGUMENTS_H_
#define SHARD_SESSION_BIND_ARGUMENTS_H_

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "shard/dialects/engine.h"
#include "shard/router/shard_id.h"
#include "shard/session/entity.h"
#include "shard/sql/class_info.h"
#include "shard/sql/statement.h"

namespace shard {

// By class, by shard or shards, by engine, or by values of your own that your
// resolver understands. The engine wins over all: the resolver is then not
// asked. A shard wins over what the resolver would choose. Only read, never
// changed, by what it is given to.
//
//   session.Execute(text, {}, BindTo<Account>().OnShard("eu"))
//   session.Execute(text, {}, BindTo<Account>().With("tenant", "acme"))
struct BindArguments {
  const sql::ClassInfo* class_info = nullptr;
  std::optional<ShardId> shard = std::nullopt;
  std::shared_ptr<Engine> engine = nullptr;
  sql::Parameters values = {};       // BindRequest::arguments
  std::vector<ShardId> shards = {};  // several; `shard` goes before

  BindArguments OnShard(std::string_view name) && {
    shard = ShardId::Of(name);
    return std::move(*this);
  }
  BindArguments OnShards(std::initializer_list<std::string_view> names) && {
    for (const std::string_view name : names) {
      shards.push_back(ShardId::Of(name));
    }
    return std::move(*this);
  }
  BindArguments OnEngine(std::shared_ptr<Engine> where) && {
    engine = std::move(where);
    return std::move(*this);
  }
  BindArguments With(std::string_view name, sql::Value value) && {
    values.Add(name, std::move(value));
    return std::move(*this);
  }
};

// As a statement about class E: for raw text and plain tables.
template <MappedClass E>
BindArguments BindTo() {
  return {.class_info = &E::class_info()};
}

// On this shard, whatever the router would say, unchecked: a row that is put
// where its shard key does not belong is not found by its key.
inline BindArguments OnShard(std::string_view name) {
  return {.shard = ShardId::Of(name)};
}

// On these shards, as unchecked: a read, an UPDATE or a DELETE. What needs one
// place, as an INSERT, takes one.
inline BindArguments OnShards(std::initializer_list<std::string_view> names) {
  return BindArguments().OnShards(names);
}

// On this engine, as unchecked, whether the resolver knows it or not. The
// session keeps it alive. Objects that were read from an engine which is not
// where the resolver would look for them are refreshed and written where it
// does.
inline BindArguments OnEngine(std::shared_ptr<Engine> engine) {
  return {.engine = std::move(engine)};
}

// With a value for your resolver, which finds it in BindRequest::arguments.
inline BindArguments BindWith(std::string_view name, sql::Value value) {
  return BindArguments().With(name, std::move(value));
}

}  // namespace shard

#endif  // SHARD_SESSION_BIND_ARGUMENTS_H_
