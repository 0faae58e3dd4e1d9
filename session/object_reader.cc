#include "shard/session/object_reader.h"

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::StatusOr<std::shared_ptr<EntityBase>> ObjectReader::Next() {
  if (next_ >= run_.rows || rows_->ended()) {
    SHARD_ASSIGN_OR_RETURN(run_, rows_->NextRun());
    next_ = 0;
    if (run_.rows == 0) return nullptr;
  }
  constexpr std::size_t kAhead = 12;  // rows: about the time memory takes
  if (next_ + kAhead < run_.rows) {
    loader_->Expect(*mapping_, layout_, run_.bind, run_.row(next_ + kAhead));
  }
  return loader_->Load(*mapping_, layout_, run_.bind, run_.row(next_++));
}

}  // namespace shard
