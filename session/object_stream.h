// Objects of a SELECT on their way to the caller.
#ifndef SHARD_SESSION_OBJECT_STREAM_H_
#define SHARD_SESSION_OBJECT_STREAM_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "shard/session/entity.h"
#include "shard/session/object_reader.h"

namespace shard {

// What ShardedSession::Stream returns. Rows are fetched a batch at a time and
// the session holds objects weakly, so that memory does not grow with the rows
// as long as the caller lets go of the objects; those that are changed are held
// until they are flushed. Each is the session's one
// object for its row, as if it had come from Scalars. Read on before you flush:
// whether rows that the transaction changes meanwhile show up is the database's
// choice. Movable; belongs to the thread of its session. Lets go of the
// databases when it is destroyed.
template <MappedClass E>
class ObjectStream {
 public:
  explicit ObjectStream(ObjectReader reader) : reader_(std::move(reader)) {}
  ObjectStream(ObjectStream&&) noexcept = default;
  ObjectStream& operator=(ObjectStream&&) noexcept = default;

  // Null at the end. kFailedPrecondition: the transaction has ended;
  // kInvalidArgument: the row holds what the class cannot take; or what the
  // database said.
  absl::StatusOr<std::shared_ptr<E>> Next() {
    auto object = reader_.Next();
    if (!object.ok()) return std::move(object).status();
    return std::static_pointer_cast<E>(*std::move(object));
  }

 private:
  ObjectReader reader_;
};

}  // namespace shard

#endif  // SHARD_SESSION_OBJECT_STREAM_H_
