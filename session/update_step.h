// UPDATEs and DELETEs of a flush, without SQL in them.
#ifndef SHARD_SESSION_UPDATE_STEP_H_
#define SHARD_SESSION_UPDATE_STEP_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/flush_step.h"

namespace shard {

// UPDATE by key of objects that changed the same fields.
class UpdateStep : public FlushStep {
 public:
  // `statement` sets `fields` and returns `returned`.
  UpdateStep(const Mapping* mapping, std::uint64_t fields,
             std::uint64_t returned, const CompiledStatement* statement)
      : FlushStep(mapping),
        fields_(fields),
        returned_(returned),
        statement_(statement) {}
  void Reserve(std::size_t objects) override;
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  // How many values each object sends.
  std::size_t row_size() const;
  absl::Status ApplyVersion(std::size_t index,
                            AttributeBase* const* attributes);

  const std::uint64_t fields_;
  const std::uint64_t returned_;
  const CompiledStatement* statement_;
  RowBatch rows_;
};

// DELETE by key.
class DeleteStep : public FlushStep {
 public:
  DeleteStep(const Mapping* mapping, const CompiledStatement* statement)
      : FlushStep(mapping), statement_(statement) {}
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  const CompiledStatement* statement_;
};

}  // namespace shard

#endif  // SHARD_SESSION_UPDATE_STEP_H_
