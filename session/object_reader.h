// The objects of a SELECT, one by one.
#ifndef SHARD_SESSION_OBJECT_READER_H_
#define SHARD_SESSION_OBJECT_READER_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/session/object_loader.h"
#include "shard/session/row_stream.h"

namespace shard {

// Makes objects of the rows of a stream. Movable. Not thread-safe; may outlive
// its session, whose loader it asks for nothing once the stream has ended.
class ObjectReader {
 public:
  ObjectReader(std::shared_ptr<RowStream> rows, const Mapping* mapping,
               RowLayout layout, ObjectLoader* loader)
      : rows_(std::move(rows)),
        mapping_(mapping),
        layout_(std::move(layout)),
        loader_(loader) {}

  // Null at the end. Errors: those of RowStream::NextRun and
  // ObjectLoader::Load.
  absl::StatusOr<std::shared_ptr<EntityBase>> Next();

 private:
  std::shared_ptr<RowStream> rows_;
  const Mapping* mapping_;
  RowLayout layout_;
  ObjectLoader* loader_;
  RowRun run_;
  std::size_t next_ = 0;  // in run_
};

}  // namespace shard

#endif  // SHARD_SESSION_OBJECT_READER_H_
