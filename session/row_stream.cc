#include "shard/session/row_stream.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::Status RowStream::CheckNotEnded() const {
  if (!ended_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the transaction that this result belongs to has ended; read the rows "
      "before Commit, Rollback or Close");
}

absl::StatusOr<const StreamRow*> RowStream::Next() {
  SHARD_RETURN_IF_ERROR(CheckNotEnded());
  return Advance();
}

absl::StatusOr<RowRun> RowStream::NextRun() {
  SHARD_RETURN_IF_ERROR(CheckNotEnded());
  return AdvanceRun();
}

absl::StatusOr<RowRun> RowStream::AdvanceRun() {
  SHARD_ASSIGN_OR_RETURN(const StreamRow* row, Advance());
  if (row == nullptr) return RowRun();
  return RowRun{row->cells.data(), 1, row->cells.size(), row->cells.size(),
                row->bind};
}

void RowStream::End() {
  ended_ = true;
  Release();
}

absl::StatusOr<const StreamRow*> BufferedStream::Advance() {
  while (part_ < parts_.size() && row_ >= parts_[part_].rows.rows()) {
    ++part_;
    row_ = 0;
  }
  if (part_ >= parts_.size()) return nullptr;
  current_ = {parts_[part_].rows.row(row_++), parts_[part_].bind};
  return &current_;
}

absl::Status ShareCursor::Start() {
  const absl::Status status = cursor_->Start();
  return status.ok() ? status : share_->Failed(status);
}

absl::Status ShareCursor::Finish() {
  next_ = 0;
  const absl::StatusOr<bool> more = cursor_->Finish(&batch_);
  if (!more.ok()) return share_->Failed(more.status());
  at_end_ = !*more;
  return absl::OkStatus();
}

RowRun ShareCursor::TakeRun(std::size_t most, std::size_t width) {
  const std::size_t rows = std::min(most, batch_.rows() - next_);
  const RowRun run = {batch_.row(next_).data(), rows, width,
                      batch_.columns().size(), share_->bind()};
  next_ += rows;
  return run;
}

absl::StatusOr<bool> ShareCursor::HasRow() {
  while (!at_end_ && next_ >= batch_.rows()) {
    SHARD_RETURN_IF_ERROR(Start());
    SHARD_RETURN_IF_ERROR(Finish());
  }
  return !at_end_;
}

}  // namespace shard
