// Rows that go in, or change those that are there.
#ifndef SHARD_SESSION_BULK_UPSERT_STEP_H_
#define SHARD_SESSION_BULK_UPSERT_STEP_H_

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

// INSERT ... ON CONFLICT DO UPDATE, pages of rows in a statement.
class BulkUpsertStep final : public BulkStep {
 public:
  static absl::StatusOr<std::unique_ptr<BulkStep>> Make(const BulkPart* part,
                                                        const BulkShape& shape,
                                                        const Dialect& dialect);
  BulkUpsertStep(const BulkPart* part, const BulkShape& shape,
                 RowStatement page, std::size_t page_rows, RowStatement single)
      : BulkStep(part, shape),
        page_(std::move(page)),
        page_rows_(page_rows),
        single_(std::move(single)) {}
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, std::vector<KeyValue>* keys) override;

 private:
  std::size_t ChunkRows(std::size_t left,
                        const Connection& connection) const override;
  void Begin() override;
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  bool NotesKeys() const override;

  RowStatement page_;
  std::size_t page_rows_;  // 1: there are no pages
  RowStatement single_;
  std::size_t in_page_ = 0;  // rows of it that are there
  RowBatch returned_;
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_UPSERT_STEP_H_
