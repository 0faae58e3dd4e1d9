// Writing an object with SQL in it.
#ifndef SHARD_SESSION_EXPRESSION_STEP_H_
#define SHARD_SESSION_EXPRESSION_STEP_H_

#include <memory>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/flush_step.h"

namespace shard {

// INSERT or UPDATE of one object with SQL expressions in it.
class ExpressionStep : public FlushStep {
 public:
  ExpressionStep(const Mapping* mapping,
                 std::shared_ptr<const CompiledStatement> statement,
                 bool is_insert);
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  std::shared_ptr<const CompiledStatement> statement_;
  const bool is_insert_;
  RowBatch rows_;
};

}  // namespace shard

#endif  // SHARD_SESSION_EXPRESSION_STEP_H_
