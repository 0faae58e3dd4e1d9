// Rows that go in by the fastest way that their database has.
#ifndef SHARD_SESSION_BULK_INSERT_STEP_H_
#define SHARD_SESSION_BULK_INSERT_STEP_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "shard/session/bulk_step.h"
#include "shard/sql/column.h"

namespace shard {

// Many rows in a statement, by Connection::StartInsert. Nothing comes back but
// the numbers of rows that the database numbers, if they are asked for.
class BulkInsertStep final : public BulkStep {
 public:
  BulkInsertStep(const BulkPart* part, const BulkShape& shape);
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, std::vector<KeyValue>* keys) override;

 private:
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  bool NotesKeys() const override;

  const bool numbered_;  // and the numbers are asked for
  std::vector<const sql::Column*> columns_;
};

// Writes down, in the report and in objects, the keys of rows that went in on
// `share` as the input's `positions`: see BulkSaveObjects.
void TakeInserted(const BulkPart& part, std::size_t index, KeyValue key,
                  const Bind& place, std::uint64_t sent,
                  std::vector<KeyValue>* keys);

}  // namespace shard

#endif  // SHARD_SESSION_BULK_INSERT_STEP_H_
