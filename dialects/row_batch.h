// Rows on their way from a driver.
#ifndef SHARD_DIALECTS_ROW_BATCH_H_
#define SHARD_DIALECTS_ROW_BATCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// A table of cells that owns the bytes they point to. Refilled again and again
// without allocating. Not thread-safe; hand it from thread to thread as a
// whole.
class RowBatch {
 public:
  // Forgets the rows and takes the shape of a new result.
  void Reset(std::vector<ResultColumn> columns) {
    columns_ = std::move(columns);
    serial_ = 0;
    ClearRows();
  }
  // The same, with the columns of `statement`; next to nothing when it has them
  // already, as in point reads, where copying names would take a good part of
  // the time.
  void ResetFor(const CompiledStatement& statement) {
    // (Moved from, a batch has the serial and not the columns.)
    if (serial_ == 0 || serial_ != statement.serial ||
        columns_.size() != statement.columns.size()) {
      columns_ = statement.columns;
      serial_ = statement.serial;
    }
    ClearRows();
  }
  void ClearRows() {
    used_ = 0;
    rows_ = 0;
    arena_.Clear();
  }

  const std::vector<ResultColumn>& columns() const { return columns_; }
  std::size_t rows() const { return rows_; }
  absl::Span<const sql::ValueView> row(std::size_t index) const {
    return {cells_.data() + index * columns_.size(), columns_.size()};
  }

  // For drivers: the cells of the next row, one for each column.
  void Add(sql::ValueView cell) {
    if (used_ >= cells_.size()) [[unlikely]]
      Grow();
    cells_[used_++] = cell;
  }
  void AddBytes(sql::ValueType type, std::string_view bytes) {
    Add(sql::ValueView::Bytes(type, arena_.Copy(bytes)));
  }
  void FinishRow() { ++rows_; }
  sql::ByteArena& arena() { return arena_; }

 private:
  void Grow() { cells_.resize(std::max<std::size_t>(64, used_ * 2)); }

  std::vector<ResultColumn> columns_;
  std::uint64_t serial_ = 0;  // CompiledStatement::serial of columns_
  // Row by row; those behind `used_` wait for more rows. (push_back would take
  // longer than reading the cell.)
  std::vector<sql::ValueView> cells_;
  std::size_t used_ = 0;
  std::size_t rows_ = 0;
  sql::ByteArena arena_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_ROW_BATCH_H_
