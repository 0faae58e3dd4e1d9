#include "shard/session/merged_stream.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/fan_out.h"

namespace shard {

absl::Status MergedStream::Prefetch() {
  std::vector<FanOutTask> tasks;
  for (ShareCursor& cursor : cursors_) {
    tasks.push_back({&cursor.share().connection(),
                     [&cursor] { return cursor.Start(); },
                     [&cursor] { return cursor.Finish(); }, absl::OkStatus()});
  }
  return FanOut(absl::MakeSpan(tasks));
}

bool MergedStream::ComesAfter(std::size_t a, std::size_t b) const {
  const auto left = cursors_[a].row(), right = cursors_[b].row();
  for (const SortKey& key : keys_) {
    const int order = CompareBy(key, left[key.cell], right[key.cell]);
    if (order != 0) return order > 0;
  }
  return a > b;
}

absl::Status MergedStream::PushIfRow(std::size_t cursor) {
  SHARD_ASSIGN_OR_RETURN(const bool has_row, cursors_[cursor].HasRow());
  if (!has_row) return absl::OkStatus();
  heap_.push_back(cursor);
  std::push_heap(heap_.begin(), heap_.end(),
                 [this](auto a, auto b) { return ComesAfter(a, b); });
  return absl::OkStatus();
}

absl::StatusOr<ShareCursor*> MergedStream::NextCursor() {
  if (keys_.empty()) {
    while (position_ < cursors_.size()) {
      SHARD_ASSIGN_OR_RETURN(const bool has_row, cursors_[position_].HasRow());
      if (has_row) return &cursors_[position_];
      ++position_;
    }
    return nullptr;
  }
  if (!heap_built_) {
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      SHARD_RETURN_IF_ERROR(PushIfRow(i));
    }
    heap_built_ = true;
  }
  if (heap_.empty()) return nullptr;
  std::pop_heap(heap_.begin(), heap_.end(),
                [this](auto a, auto b) { return ComesAfter(a, b); });
  const std::size_t smallest = heap_.back();
  heap_.pop_back();
  return &cursors_[smallest];
}

absl::Status MergedStream::CountRows(std::size_t rows) {
  if (!most_rows_.has_value()) return absl::OkStatus();
  fetched_ += static_cast<std::int64_t>(rows);
  return fetched_ <= *most_rows_ ? absl::OkStatus() : too_many_;
}

absl::StatusOr<RowRun> MergedStream::AdvanceRow() {
  while (true) {
    // The row lent out last stays valid until now.
    if (lent_ != nullptr) {
      lent_->Skip();
      if (!keys_.empty()) {
        SHARD_RETURN_IF_ERROR(
            PushIfRow(static_cast<std::size_t>(lent_ - cursors_.data())));
      }
      lent_ = nullptr;
    }
    if (left_.has_value() && *left_ == 0) return RowRun();
    SHARD_ASSIGN_OR_RETURN(lent_, NextCursor());
    if (lent_ == nullptr) return RowRun();
    SHARD_RETURN_IF_ERROR(CountRows(1));
    if (skip_ > 0) {
      --skip_;
      continue;
    }
    if (left_.has_value()) --*left_;
    return RowRun{lent_->row().data(), 1, columns_.size(), columns_.size(),
                  lent_->share().bind()};
  }
}

absl::StatusOr<RowRun> MergedStream::AdvanceRun() {
  // Sorted rows come from cursors in turn; what is skipped is skipped one by
  // one.
  if (!keys_.empty() || skip_ > 0) return AdvanceRow();
  if (lent_ != nullptr) {
    lent_->Skip();
    lent_ = nullptr;
  }
  if (left_.has_value() && *left_ == 0) return RowRun();
  SHARD_ASSIGN_OR_RETURN(ShareCursor * cursor, NextCursor());
  if (cursor == nullptr) return RowRun();
  const std::size_t most = left_.has_value() ? static_cast<std::size_t>(*left_)
                                             : static_cast<std::size_t>(-1);
  const RowRun run = cursor->TakeRun(most, columns_.size());
  SHARD_RETURN_IF_ERROR(CountRows(run.rows));
  if (left_.has_value()) *left_ -= static_cast<std::int64_t>(run.rows);
  return run;
}

}  // namespace shard
