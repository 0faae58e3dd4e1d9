// Writing on another shard what a step has written on the first.
#ifndef SHARD_SESSION_COPY_STEP_H_
#define SHARD_SESSION_COPY_STEP_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/session/flush_step.h"
#include "shard/sql/column.h"
#include "shard/sql/value.h"

namespace shard {

// Of objects whose rows stand on all shards. Runs once the step that it copies
// has been taken over into the objects, so that what the first database made
// (keys, defaults, results of SQL) is sent as values; changes nothing in them.
class CopyStep : public FlushStep {
 public:
  // What `original` wrote on shard `first`.
  CopyStep(const FlushStep* original, const std::string* first)
      : FlushStep(&original->mapping()), original_(*original), first_(*first) {}
  bool ready() const { return original_.applied(); }
  absl::Status Apply(Share&, ObjectLoader&) override {
    return absl::OkStatus();
  }

 protected:
  // kDataLoss, naming both shards, for an object whose row is not the same on
  // this one. Poisons the share.
  absl::Status Differs(const EntityBase& object, const char* verb,
                       Share& share) const;
  // Takes the values of the fields of all objects, each with what Add has kept
  // of it behind them.
  void TakeValues(std::uint64_t fields);

  // Of each object: what its UPDATE or DELETE looks for.
  std::vector<std::vector<sql::Value>> kept_;

 private:
  const FlushStep& original_;
  const std::string& first_;
};

class InsertCopyStep : public CopyStep {
 public:
  // `fields`: all that the object knows once its row is there.
  InsertCopyStep(const FlushStep* original, const std::string* first,
                 std::uint64_t fields);
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;

 private:
  const std::uint64_t fields_;
  std::vector<const sql::Column*> columns_;
};

// UPDATE of fields, or DELETE, by the key and version that the row had.
class WriteCopyStep : public CopyStep {
 public:
  // `statement` sets `fields`; none: it is a DELETE.
  WriteCopyStep(const FlushStep* original, const std::string* first,
                std::uint64_t fields, const CompiledStatement* statement)
      : CopyStep(original, first), fields_(fields), statement_(statement) {}
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;

 private:
  const std::uint64_t fields_;
  const CompiledStatement* statement_;
};

}  // namespace shard

#endif  // SHARD_SESSION_COPY_STEP_H_
