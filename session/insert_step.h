// INSERTs of a flush, without SQL in them.
#ifndef SHARD_SESSION_INSERT_STEP_H_
#define SHARD_SESSION_INSERT_STEP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/flush_step.h"

namespace shard {

// INSERT of objects that set the same fields. Where the database makes the key
// it comes back in the order of the objects.
class InsertStep : public FlushStep {
 public:
  enum class Key { kGiven, kGenerated, kReturned };
  // `returning`: for kReturned, the statement that hands the key back.
  InsertStep(const Mapping* mapping, std::uint64_t fields, Key key,
             const CompiledStatement* returning);
  // Makes room for so many objects.
  void Reserve(std::size_t objects);
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  absl::Status TakeKey(EntityBase& object, AttributeBase* const* attributes,
                       std::size_t index);

  const std::uint64_t fields_;
  const Key key_;
  const CompiledStatement* returning_;
  std::vector<const sql::Column*> columns_;
  Outcome outcome_;
  RowBatch rows_;
};

}  // namespace shard

#endif  // SHARD_SESSION_INSERT_STEP_H_
