#include "shard/session/row_stream.h"

#include <algorithm>
#include <cstddef>
#include <utility>

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
  if (next_ == run_.rows) {
    run_ = RowRun();
    next_ = 0;
    SHARD_ASSIGN_OR_RETURN(run_, AdvanceRun());
    if (run_.rows == 0) return nullptr;
    row_.bind = run_.bind;
  }
  row_.cells = run_.row(next_++);
  return &row_;
}

absl::StatusOr<RowRun> RowStream::NextRun() {
  SHARD_RETURN_IF_ERROR(CheckNotEnded());
  if (next_ == run_.rows) return AdvanceRun();
  RowRun rest = std::exchange(run_, RowRun());
  rest.cells += next_ * rest.stride;
  rest.rows -= std::exchange(next_, 0);
  return rest;
}

void RowStream::End() {
  ended_ = true;
  Release();
}

absl::StatusOr<RowRun> BufferedStream::AdvanceRun() {
  while (part_ < parts_.size() && parts_[part_].rows.rows() == 0) ++part_;
  if (part_ == parts_.size()) return RowRun();
  const Part& part = parts_[part_++];
  // Behind the columns shown there may be others.
  return RowRun{part.rows.row(0).data(), part.rows.rows(), columns_.size(),
                part.rows.columns().size(), part.bind};
}

absl::Status ShareCursor::Start() {
  share_->Speak();
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
