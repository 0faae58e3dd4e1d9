// What a session's next flush has to write.
#ifndef SHARD_SESSION_UNIT_OF_WORK_H_
#define SHARD_SESSION_UNIT_OF_WORK_H_

#include <memory>
#include <vector>

#include "shard/router/bind.h"
#include "shard/session/entity_base.h"

namespace shard {

// What an object's identity was before its row got another primary key, or went
// to another shard.
struct FormerIdentity {
  std::shared_ptr<EntityBase> object;
  KeyValue key;
  Bind place;
};

// Lists of objects, each held strongly until it is written. Only changed
// objects are in it, so a flush costs by what changed, not by what is loaded.
struct UnitOfWork {
  std::vector<std::shared_ptr<EntityBase>> added;    // pending, in order
  std::vector<std::shared_ptr<EntityBase>> changed;  // persistent and dirty
  std::vector<std::shared_ptr<EntityBase>> deleted;  // marked for deletion
  // Rows deleted in this transaction; a rollback makes them persistent again.
  std::vector<std::shared_ptr<EntityBase>> gone;
  // Objects whose identity changed in it, in order.
  std::vector<FormerIdentity> rekeyed;

  bool empty() const {
    return added.empty() && changed.empty() && deleted.empty();
  }
};

}  // namespace shard

#endif  // SHARD_SESSION_UNIT_OF_WORK_H_
