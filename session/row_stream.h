// Rows on their way to the caller.
#ifndef SHARD_SESSION_ROW_STREAM_H_
#define SHARD_SESSION_ROW_STREAM_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/transaction.h"

namespace shard {

// A row, and the place that it came from. Valid until the next call of Next.
struct StreamRow {
  absl::Span<const sql::ValueView> cells;
  Bind bind;
};

// Rows that lie one behind the other and come from one place. Valid until the
// stream is asked for more, or ends.
struct RowRun {
  const sql::ValueView* cells = nullptr;
  std::size_t rows = 0;
  std::size_t width = 0;   // cells of a row
  std::size_t stride = 0;  // from row to row: hidden cells may stand between
  Bind bind = {};

  absl::Span<const sql::ValueView> row(std::size_t index) const {
    return {cells + index * stride, width};
  }
};

// One row after the other, or one run. Its session ends it together with the
// transaction; Next then says kFailedPrecondition. Not thread-safe.
class RowStream {
 public:
  virtual ~RowStream() = default;
  const std::vector<ResultColumn>& columns() const { return columns_; }
  // Null at the end.
  absl::StatusOr<const StreamRow*> Next();
  // As many rows as are at hand together, at least one; none at the end.
  absl::StatusOr<RowRun> NextRun();
  bool ended() const { return ended_; }
  // Lets go of the connections.
  void End();

 protected:
  explicit RowStream(std::vector<ResultColumn> columns)
      : columns_(std::move(columns)) {}
  std::vector<ResultColumn> columns_;

 private:
  virtual absl::StatusOr<RowRun> AdvanceRun() = 0;
  absl::Status CheckNotEnded() const;
  virtual void Release() = 0;
  RowRun run_;            // that Next hands out row by row
  std::size_t next_ = 0;  // in run_
  StreamRow row_;
  bool ended_ = false;
};

// Rows that are all here already; columns() may be fewer than theirs.
class BufferedStream : public RowStream {
 public:
  struct Part {
    Bind bind;
    RowBatch rows;
  };
  BufferedStream(std::vector<ResultColumn> columns, std::vector<Part> parts)
      : RowStream(std::move(columns)), parts_(std::move(parts)) {}

 private:
  absl::StatusOr<RowRun> AdvanceRun() override;
  void Release() override { parts_.clear(); }

  std::vector<Part> parts_;
  std::size_t part_ = 0;
};

// The rows of one share's cursor, batch by batch.
class ShareCursor {
 public:
  ShareCursor(Share* share, std::unique_ptr<Cursor> cursor)
      : share_(share), cursor_(std::move(cursor)) {}

  Share& share() const { return *share_; }
  // The two halves of fetching a batch, for FanOut.
  absl::Status Start();
  absl::Status Finish();
  // Fetches a batch when the last is used up. False at the end.
  absl::StatusOr<bool> HasRow();
  absl::Span<const sql::ValueView> row() const { return batch_.row(next_); }
  void Skip() { ++next_; }
  // Where HasRow: the rest of the batch, or `most` rows of it. They stay valid
  // until HasRow is asked again.
  RowRun TakeRun(std::size_t most, std::size_t width);

 private:
  Share* share_;
  std::unique_ptr<Cursor> cursor_;
  RowBatch batch_;
  std::size_t next_ = 0;
  bool at_end_ = false;
};

}  // namespace shard

#endif  // SHARD_SESSION_ROW_STREAM_H_
