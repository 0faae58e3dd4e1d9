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

// INSERT of objects that set the same fields, many rows in a statement. Where
// the database numbers them their keys come back in the order of the objects.
class InsertStep : public FlushStep {
 public:
  InsertStep(const Mapping* mapping, std::uint64_t fields, bool numbered);
  void Reserve(std::size_t objects) override;
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  const std::uint64_t fields_;
  const bool numbered_;
  std::vector<const sql::Column*> columns_;
  Outcome outcome_;
};

// The same where the database makes more than a number: in pages that bring it
// back where the connection can, else a row in a statement, with RETURNING, in
// one batch.
class ReturningInsertStep : public FlushStep {
 public:
  // `statement` sets `fields` and returns `returned`.
  ReturningInsertStep(const Mapping* mapping, std::uint64_t fields,
                      std::uint64_t returned,
                      const CompiledStatement* statement);
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  const std::uint64_t fields_;
  const std::uint64_t returned_;
  const CompiledStatement* statement_;
  bool in_pages_ = false;
  std::vector<const sql::Column*> columns_;
  std::vector<const sql::Column*> fetched_;  // those returned besides the key
  RowBatch rows_;
};

}  // namespace shard

#endif  // SHARD_SESSION_INSERT_STEP_H_
