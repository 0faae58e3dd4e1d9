// Rows of a bulk operation that share a statement on one share.
#ifndef SHARD_SESSION_BULK_STEP_H_
#define SHARD_SESSION_BULK_STEP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/session/bulk_part.h"
#include "shard/session/identity_key.h"
#include "shard/session/transaction.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Goes through its rows in chunks, so that what is ready to be sent stays
// small: Start takes the next chunk's values and sends them, Finish waits,
// Apply takes over what came back. One thread at a time, but not always the
// session's.
class BulkStep {
 public:
  BulkStep(const BulkPart* part, const BulkShape& shape);
  virtual ~BulkStep() = default;
  BulkStep(const BulkStep&) = delete;
  BulkStep& operator=(const BulkStep&) = delete;

  const BulkPart& part() const { return part_; }
  const BulkShape& shape() const { return shape_; }
  void Add(std::size_t index) {
    numbers_.push_back(static_cast<std::uint32_t>(index));
  }
  // Those that it has or had.
  const std::vector<std::uint32_t>& rows() const { return numbers_; }
  bool done() const { return next_ == numbers_.size(); }
  // Where the rows stand on all shards there is a step for each: the first, of
  // which what came back is taken over once all have read the rows, and others.
  enum class Role : std::uint8_t { kOnlyOne, kFirst, kOther };
  Role role() const { return role_; }
  void set_role(Role role) { role_ = role; }
  // Whether the next Start is the last.
  bool is_at_last_chunk(const Connection& connection) const {
    const std::size_t left = numbers_.size() - next_;
    return ChunkRows(left, connection) == left;
  }

  absl::Status Start(Share& share);
  virtual absl::Status Finish(Share& share) = 0;
  // `keys`: of the report.
  virtual absl::Status Apply(const Share& share,
                             std::vector<KeyValue>* keys) = 0;
  // An error of a database says where in the input the chunk's rows are.
  absl::Status Named(const absl::Status& error) const;
  // After the last Apply.
  void Release();
  // After the last Apply of all steps: what the first of several left for then.
  absl::Status ApplyLate();

 protected:
  // How many rows of those left go next, and the values of one of them.
  virtual std::size_t ChunkRows(std::size_t left,
                                const Connection& connection) const;
  virtual void Begin() {}  // before the first of a chunk
  virtual void Append(const BulkRow& row) = 0;
  virtual absl::Status Send(Share& share) = 0;
  // Where the keys of the rows are known by sending them.
  virtual bool NotesKeys() const { return false; }

  const Mapping& mapping() const { return part_.mapping(); }
  std::size_t chunk() const { return chunk_; }  // rows that were sent
  std::size_t index_of(std::size_t row) const { return numbers_[begin_ + row]; }
  std::size_t position_of(std::size_t row) const {
    return part_.rows().position(index_of(row));
  }
  // "row 3", "rows 3, 5 and 9 more": rows of the chunk by their place in the
  // input.
  std::string NamesOf(const std::vector<std::size_t>& rows) const;
  // kFailedPrecondition unless as many arrived as were sent.
  absl::Status CheckArrived(std::size_t arrived, Share& share) const;

  // The shard that objects of the step's rows have in their identity.
  ShardId ShardInIdentity(const Share& share) const {
    return role_ == Role::kOnlyOne ? share.bind().shard : ShardId();
  }

  // Changes an object that is a row: not before others have read it.
  template <class Change>
  absl::Status ApplyToObject(Change&& change) {
    if (role_ != Role::kFirst) return change();
    late_.emplace_back(std::forward<Change>(change));
    return absl::OkStatus();
  }

  std::vector<sql::ValueView> values_;
  std::vector<KeyValue> keys_;  // of the chunk, where they are to be told
  Outcome outcome_;

 private:
  const BulkPart& part_;
  const BulkShape shape_;
  Role role_ = Role::kOnlyOne;
  std::vector<std::function<absl::Status()>> late_;
  std::vector<std::uint32_t> numbers_;
  std::size_t begin_ = 0;
  std::size_t next_ = 0;
  std::size_t chunk_ = 0;
  BulkRow row_;
  sql::ByteArena arena_;
};

}  // namespace shard

#endif  // SHARD_SESSION_BULK_STEP_H_
