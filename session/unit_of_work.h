// What a session's next flush has to write.
#ifndef SHARD_SESSION_UNIT_OF_WORK_H_
#define SHARD_SESSION_UNIT_OF_WORK_H_

#include <memory>
#include <utility>
#include <vector>

#include "shard/session/entity_base.h"

namespace shard {

// Lists of objects, each held strongly until it is written. Only changed
// objects are in it, so a flush costs by what changed, not by what is loaded.
struct UnitOfWork {
  std::vector<std::shared_ptr<EntityBase>> added;    // pending, in order
  std::vector<std::shared_ptr<EntityBase>> changed;  // persistent and dirty
  std::vector<std::shared_ptr<EntityBase>> deleted;  // marked for deletion
  // Rows deleted in this transaction; a rollback makes them persistent again.
  std::vector<std::shared_ptr<EntityBase>> gone;
  // Objects whose primary key changed in it, with the key before, in order.
  std::vector<std::pair<std::shared_ptr<EntityBase>, KeyValue>> rekeyed;

  bool empty() const {
    return added.empty() && changed.empty() && deleted.empty();
  }
};

}  // namespace shard

#endif  // SHARD_SESSION_UNIT_OF_WORK_H_
