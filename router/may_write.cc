#include "shard/router/may_write.h"

#include "shard/router/session_history.h"
#include "shard/sql/select.h"

namespace shard {

bool MayWrite(const BindRequest& request) {
  if (request.history != nullptr && request.history->read_only()) return false;
  switch (request.operation) {
    case Operation::kRefresh:
      return false;
    case Operation::kRead:
      break;
    default:
      return true;
  }
  if (request.statement == nullptr) return false;
  const auto* select = request.statement->As<sql::SelectStatement>();
  return select == nullptr || select->for_update;
}

}  // namespace shard
