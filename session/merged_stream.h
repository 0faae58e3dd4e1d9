// The rows of several shards as one stream.
#ifndef SHARD_SESSION_MERGED_STREAM_H_
#define SHARD_SESSION_MERGED_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/session/row_stream.h"
#include "shard/session/value_order.h"

namespace shard {

// With sort keys, a k-way merge of sorted cursors: the smallest row of all
// comes next, of equal rows that of the earlier shard. Memory: a batch for each
// shard. Without, one cursor after the other. Then OFFSET and LIMIT. (Knuth,
// The Art of Computer Programming 3, 5.4.1: merging by a heap.)
class MergedStream : public RowStream {
 public:
  // `columns` may be fewer than the cursors' cells: hidden sort keys stand last
  // and are dropped.
  MergedStream(std::vector<ResultColumn> columns,
               std::vector<std::shared_ptr<const CompiledStatement>> statements,
               std::vector<ShareCursor> cursors, std::vector<SortKey> keys,
               std::int64_t offset, std::optional<std::int64_t> limit)
      : RowStream(std::move(columns)),
        statements_(std::move(statements)),
        cursors_(std::move(cursors)),
        keys_(std::move(keys)),
        skip_(offset),
        left_(limit) {}

  // Before Prefetch: fetching more rows than `most` from all cursors together
  // is the error `too_many`.
  void LimitRows(std::int64_t most, absl::Status too_many) {
    most_rows_ = most;
    too_many_ = std::move(too_many);
  }
  // Fetches the first batch of every cursor, side by side.
  absl::Status Prefetch();

 private:
  absl::StatusOr<RowRun> AdvanceRun() override;
  absl::StatusOr<RowRun> AdvanceRow();
  void Release() override { cursors_.clear(); }
  // The cursor with the next row; null at the end.
  absl::StatusOr<ShareCursor*> NextCursor();
  // Whether cursor a's row comes after cursor b's: the heap's order.
  bool ComesAfter(std::size_t a, std::size_t b) const;
  absl::Status PushIfRow(std::size_t cursor);
  absl::Status CountRows(std::size_t rows);

  // What the cursors run; must outlive them.
  std::vector<std::shared_ptr<const CompiledStatement>> statements_;
  std::vector<ShareCursor> cursors_;
  std::vector<SortKey> keys_;
  std::int64_t skip_;
  std::optional<std::int64_t> left_;
  std::optional<std::int64_t> most_rows_;
  absl::Status too_many_;
  std::int64_t fetched_ = 0;       // counted where there is a limit
  std::vector<std::size_t> heap_;  // cursors with a row, smallest first
  bool heap_built_ = false;
  std::size_t position_ = 0;     // the cursor being read, without keys
  ShareCursor* lent_ = nullptr;  // whose row the caller is looking at
};

}  // namespace shard

#endif  // SHARD_SESSION_MERGED_STREAM_H_
