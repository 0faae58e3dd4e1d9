// UPDATEs and DELETEs of a flush, without SQL in them.
#ifndef SHARD_SESSION_UPDATE_STEP_H_
#define SHARD_SESSION_UPDATE_STEP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/session/flush_step.h"

namespace shard {

// UPDATE by key of objects that changed the same fields.
class UpdateStep : public FlushStep {
 public:
  UpdateStep(const Mapping* mapping, std::uint64_t fields,
             const CompiledStatement* statement)
      : FlushStep(mapping), fields_(fields), statement_(statement) {}
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  const std::uint64_t fields_;
  const CompiledStatement* statement_;
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
