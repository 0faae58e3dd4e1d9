// Rows that go in by statements that bring something back, or compute.
#ifndef SHARD_SESSION_BULK_RETURNING_STEP_H_
#define SHARD_SESSION_BULK_RETURNING_STEP_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/bulk_step.h"
#include "shard/session/row_statement.h"

namespace shard {

// INSERTs that need more than StartInsert does: SQL of defaults, or keys that
// only RETURNING can tell. A row in a statement, all in one batch.
class BulkReturningStep final : public BulkStep {
 public:
  static absl::StatusOr<std::unique_ptr<BulkStep>> Make(const BulkPart* part,
                                                        const BulkShape& shape,
                                                        const Dialect& dialect);
  BulkReturningStep(const BulkPart* part, const BulkShape& shape,
                    RowStatement statement)
      : BulkStep(part, shape), statement_(std::move(statement)) {}
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, std::vector<KeyValue>* keys) override;

 private:
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  bool NotesKeys() const override;

  RowStatement statement_;
  RowBatch returned_;
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_RETURNING_STEP_H_
