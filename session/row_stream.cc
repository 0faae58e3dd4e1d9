#include "shard/session/row_stream.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::StatusOr<const StreamRow*> RowStream::Next() {
  if (ended_) {
    return absl::FailedPreconditionError(
        "the transaction that this result belongs to has ended; read the rows "
        "before Commit, Rollback or Close");
  }
  return Advance();
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

absl::StatusOr<bool> ShareCursor::HasRow() {
  while (!at_end_ && next_ >= batch_.rows()) {
    SHARD_RETURN_IF_ERROR(Start());
    SHARD_RETURN_IF_ERROR(Finish());
  }
  return !at_end_;
}

}  // namespace shard
