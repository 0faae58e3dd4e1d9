// What a caller says about where a statement belongs.
#ifndef SHARD_SESSION_BIND_ARGUMENTS_H_
#define SHARD_SESSION_BIND_ARGUMENTS_H_

#include <optional>
#include <string_view>

#include "shard/router/shard_id.h"
#include "shard/session/entity.h"
#include "shard/sql/class_info.h"

namespace shard {

struct BindArguments {
  const sql::ClassInfo* class_info = nullptr;
  std::optional<ShardId> shard;

  // BindTo<Account>().OnShard("eu")
  BindArguments OnShard(std::string_view name) && {
    shard = ShardId::Of(name);
    return *this;
  }
};

// As a statement about class E: for raw text and plain tables.
template <MappedClass E>
BindArguments BindTo() {
  return {&E::class_info(), std::nullopt};
}

// On this shard, whatever the router would say, unchecked: a row that is put
// where its shard key does not belong is not found by its key.
inline BindArguments OnShard(std::string_view name) {
  return {nullptr, ShardId::Of(name)};
}

}  // namespace shard

#endif  // SHARD_SESSION_BIND_ARGUMENTS_H_
