// Rows of a bulk operation get the keys that they lack.
#ifndef SHARD_SESSION_KEYED_ROWS_H_
#define SHARD_SESSION_KEYED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/key_assigner.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Other rows, none of them objects, in which every field that a generator makes
// has a value. Keeps the keys, nothing else of the rows.
class KeyedRows final : public BulkRows {
 public:
  // `rows` must outlive it.
  explicit KeyedRows(BulkRows* rows)
      : BulkRows(&rows->mapping()), rows_(*rows) {}

  // Looks at the rows, unless they are alike, and takes keys for those that
  // have none, or NULL: once for each of the fields. An error names class and
  // column.
  absl::Status TakeKeys(const KeyFields& fields);

  std::size_t size() const override { return rows_.size(); }
  absl::Status Look(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) override;
  absl::Status Read(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) const override;
  std::optional<std::uint64_t> common_fields() const override;
  sql::ValueView Cell(std::size_t index, std::size_t field,
                      sql::ByteArena& arena) const override;
  std::uint64_t never_null() const override {
    return rows_.never_null() | made_for_all_;
  }
  absl::Status ReadKey(std::size_t index, BulkRow* row,
                       sql::ByteArena& arena) const override;
  std::size_t position(std::size_t index) const override {
    return rows_.position(index);
  }
  bool is_typed() const override { return rows_.is_typed(); }

 private:
  // Of one field: a key for each row, NULL where the row has its own.
  struct Made {
    std::size_t field;
    std::vector<sql::ValueView> keys;
  };
  // Which rows lack it, in order; with it all rows.
  std::vector<std::uint32_t> LackOf(std::size_t field, bool all);
  absl::Status Make(const KeyField& field, bool all);
  void FillIn(std::size_t index, BulkRow* row) const;

  BulkRows& rows_;
  std::vector<Made> made_;
  std::uint64_t made_for_all_ = 0;  // fields
  sql::ByteArena bytes_;
  std::shared_ptr<EntityBase> converter_;  // see FitCell
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYED_ROWS_H_
