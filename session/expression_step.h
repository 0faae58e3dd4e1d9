// Writing an object with SQL in it.
#ifndef SHARD_SESSION_EXPRESSION_STEP_H_
#define SHARD_SESSION_EXPRESSION_STEP_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/row_batch.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/flush_step.h"

namespace shard {

// kUnimplemented when SQL of the object looks at rows of other databases than
// the share's.
absl::Status CheckSubqueries(BindResolver& resolver, const EntityBase& object,
                             const Share& share);

// One object, one statement: its text is the object's own.
class ExpressionStep : public FlushStep {
 public:
  // The statement returns the fields in `returned`.
  ExpressionStep(const Mapping* mapping,
                 std::shared_ptr<const CompiledStatement> statement,
                 std::uint64_t returned)
      : FlushStep(mapping),
        statement_(std::move(statement)),
        returned_(returned) {}
  // Instead of Add. kInvalidArgument for a parameter of the object's SQL that
  // has no value.
  absl::Status TakeParameters(EntityBase& object,
                              AttributeBase* const* attributes);
  void Add(EntityBase&, AttributeBase* const*) override {}
  absl::Status Start(Share& share) override {
    return share.Start(MakeRequest(*statement_));
  }

 protected:
  std::shared_ptr<const CompiledStatement> statement_;
  const std::uint64_t returned_;
  sql::ValueView next_version_;
  RowBatch rows_;
};

class ExpressionInsertStep : public ExpressionStep {
 public:
  using ExpressionStep::ExpressionStep;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;
};

// The statement's last parameters are those of its condition: the key.
class ExpressionUpdateStep : public ExpressionStep {
 public:
  using ExpressionStep::ExpressionStep;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;
};

}  // namespace shard

#endif  // SHARD_SESSION_EXPRESSION_STEP_H_
