// Rows of one class and what is to be done with them.
#ifndef SHARD_SESSION_BULK_PART_H_
#define SHARD_SESSION_BULK_PART_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "shard/router/bind_request.h"
#include "shard/session/bulk_options.h"
#include "shard/session/bulk_rows.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Where the key of a row that goes in comes from.
enum class BulkKeySource : std::uint8_t { kGiven, kNumbered, kReturned };

// What a row comes to.
struct BulkShape {
  std::uint64_t values = 0;       // fields that are sent: inserted, or set
  std::uint64_t expressions = 0;  // fields that SQL of a default makes
  std::uint64_t updated = 0;      // by an upsert of a row that is there
  BulkKeySource key = BulkKeySource::kGiven;

  friend bool operator==(const BulkShape&, const BulkShape&) = default;
  bool nothing_to_do(BulkKind kind) const {
    return kind == BulkKind::kUpdate && (values | expressions) == 0;
  }
};

// Reads rows twice: Look checks one and makes what its defaults make, before
// anything is sent; Read gives it with that, when its turn has come. Between
// them only what defaults made is kept, so that memory does not grow with the
// rows. Not thread-safe.
class BulkPart {
 public:
  // What it points to must outlive it.
  BulkPart(BulkKind kind, BulkRows* rows, const BulkOptions* options);

  BulkKind kind() const { return kind_; }
  const BulkRows& rows() const { return rows_; }
  const Mapping& mapping() const { return rows_.mapping(); }
  const BulkOptions& options() const { return options_; }

  // Of all rows, if they are alike, in which case they need no Look and nothing
  // is made for them; null where they may differ.
  std::optional<BulkShape> CommonShape() const;
  // Each row once, in order. kInvalidArgument, naming the column: a value that
  // does not fit, NULL where there is none, no primary key or version.
  absl::Status Look(std::size_t index, BulkRow* row, BulkShape* shape);
  // `values`: those of its shape. The cells live until `arena` is cleared.
  absl::Status Read(std::size_t index, std::uint64_t values, BulkRow* row,
                    sql::ByteArena& arena) const;

 private:
  void LeaveNullsToDefaults(BulkRow* row) const;
  absl::Status CheckNulls(const BulkRow& row) const;
  absl::Status Make(std::uint64_t fields, std::size_t index, BulkRow* row,
                    BulkShape* shape);
  absl::Status LookAtNew(std::size_t index, BulkRow* row, BulkShape* shape);
  absl::Status LookAtKnown(std::size_t index, BulkRow* row, BulkShape* shape);
  absl::Status FindKeySource(const BulkRow& row, BulkShape* shape) const;
  bool puts_in() const {
    return kind_ == BulkKind::kInsert || kind_ == BulkKind::kUpsert;
  }

  const BulkKind kind_;
  BulkRows& rows_;
  const BulkOptions& options_;
  std::uint64_t not_null_ = 0;          // fields that cannot be NULL
  std::uint64_t null_is_default_ = 0;   // of rows that go in
  std::vector<sql::ValueView> made_;    // by defaults, row by row
  std::vector<std::uint32_t> made_at_;  // by row: its first in made_; or empty
  sql::ByteArena made_bytes_;
  sql::ByteArena scratch_;
  std::shared_ptr<EntityBase> converter_;  // see FitCell
  // Of the last row that needed nothing made.
  std::optional<std::uint64_t> latest_given_;
  BulkShape latest_shape_;
};

// Tells a router what is known of a row.
class BulkKeyReader final : public KeyReader {
 public:
  BulkKeyReader(const Mapping& mapping, const BulkRow& row)
      : mapping_(mapping), row_(row) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override;

 private:
  const Mapping& mapping_;
  const BulkRow& row_;
};

// The same of one of rows that are alike, which is not read whole.
class AlikeKeyReader final : public KeyReader {
 public:
  // `given`: the rows' fields. What it points to must outlive it.
  AlikeKeyReader(const BulkRows* rows, std::uint64_t given,
                 sql::ByteArena* arena)
      : rows_(*rows), given_(given), arena_(*arena) {}
  void set_index(std::size_t index) { index_ = index; }
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override;

 private:
  const BulkRows& rows_;
  const std::uint64_t given_;
  sql::ByteArena& arena_;
  std::size_t index_ = 0;
};

// Whether all of the primary key is in the row; and that.
bool HasKey(const Mapping& mapping, const BulkRow& row);
KeyValue KeyOf(const Mapping& mapping, const BulkRow& row);

}  // namespace shard

#endif  // SHARD_SESSION_BULK_PART_H_
