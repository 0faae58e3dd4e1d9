// Rows that are changed or deleted by their keys.
#ifndef SHARD_SESSION_BULK_WRITE_STEP_H_
#define SHARD_SESSION_BULK_WRITE_STEP_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/dialect.h"
#include "shard/session/bulk_step.h"
#include "shard/session/row_statement.h"
#include "shard/sql/value.h"

namespace shard {

// UPDATE or DELETE by key, and version where there is one: many rows in one
// statement where the database can, else a batch.
class BulkWriteStep final : public BulkStep {
 public:
  static absl::StatusOr<std::unique_ptr<BulkStep>> Make(const BulkPart* part,
                                                        const BulkShape& shape,
                                                        const Dialect& dialect);
  BulkWriteStep(const BulkPart* part, const BulkShape& shape,
                RowStatement statement)
      : BulkStep(part, shape), statement_(std::move(statement)) {}
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, std::vector<KeyValue>* keys) override;

 private:
  void Begin() override;
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  absl::Status TakeVersion(const sql::Value& version, EntityBase& object) const;
  absl::Status NotThere(const std::vector<std::size_t>& rows,
                        Share& share) const;

  RowStatement statement_;
  std::vector<sql::Value> versions_;  // new ones of the chunk
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_WRITE_STEP_H_
