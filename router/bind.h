// A place where work can go.
#ifndef SHARD_ROUTER_BIND_H_
#define SHARD_ROUTER_BIND_H_

#include "absl/container/inlined_vector.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/engine.h"
#include "shard/router/shard_id.h"

namespace shard {

// An engine, and which shard it is. Plain value; whoever made it keeps the
// engine alive for as long as it is used.
struct Bind {
  Engine* engine = nullptr;
  ShardId shard{};  // none for an engine that is not a shard
  // Where several shards share the database: how this one's tables are named
  // there, one of Dialect::Named. Null: as they are declared.
  const Dialect* names = nullptr;

  const Dialect& dialect() const {
    return names != nullptr ? *names : engine->dialect();
  }
  // Statements see the same tables here and there.
  bool has_tables_of(const Bind& other) const {
    return engine == other.engine && names == other.names;
  }

  friend bool operator==(const Bind&, const Bind&) = default;
};

using BindSet = absl::InlinedVector<Bind, 4>;

}  // namespace shard

#endif  // SHARD_ROUTER_BIND_H_
