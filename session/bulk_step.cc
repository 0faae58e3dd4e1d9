#include "shard/session/bulk_step.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

// Some 3 MB of values for each server: enough for it to take them as it likes
// best. An embedded database likes them in the processor's cache.
constexpr std::size_t kServerCells = std::size_t{1} << 17;
constexpr std::size_t kEmbeddedCells = std::size_t{1} << 12;
constexpr std::size_t kMostNamed = 5;

}  // namespace

BulkStep::BulkStep(const BulkPart* part, const BulkShape& shape)
    : part_(*part), shape_(shape) {}

std::size_t BulkStep::ChunkRows(std::size_t left,
                                const Connection& connection) const {
  const std::size_t most =
      connection.works_in_finish() ? kEmbeddedCells : kServerCells;
  const auto cells = static_cast<std::size_t>(
      std::popcount(shape_.values | mapping().key_set()));
  return std::min(
      left, std::max<std::size_t>(1, most / std::max<std::size_t>(1, cells)));
}

absl::Status BulkStep::Start(Share& share) {
  begin_ = next_;
  chunk_ = ChunkRows(numbers_.size() - begin_, share.connection());
  next_ = begin_ + chunk_;
  values_.clear();
  keys_.clear();
  arena_.Clear();
  const std::uint64_t all =
      shape_.values | mapping().key_set() | mapping().version_set();
  values_.reserve(chunk_ * static_cast<std::size_t>(std::popcount(all)));
  Begin();
  const bool notes_keys = NotesKeys();
  for (std::size_t i = 0; i < chunk_; ++i) {
    SHARD_RETURN_IF_ERROR(
        part_.Read(index_of(i), shape_.values, &row_, arena_));
    Append(row_);
    if (notes_keys) keys_.push_back(KeyOf(mapping(), row_));
  }
  return Send(share);
}

absl::Status BulkStep::Named(const absl::Status& error) const {
  if (error.ok() || !DatabaseCode(error).has_value()) return error;
  if (chunk_ == 1) {
    return Annotate(error, absl::StrCat("row ", position_of(0) + 1));
  }
  return Annotate(error, absl::StrCat("among the ", chunk_, " rows from ",
                                      position_of(0) + 1, " to ",
                                      position_of(chunk_ - 1) + 1));
}

void BulkStep::Release() {
  values_ = {};
  keys_ = {};
  outcome_ = {};
  arena_ = {};
}

absl::Status BulkStep::ApplyLate() {
  for (const auto& change : late_) SHARD_RETURN_IF_ERROR(change());
  late_ = {};
  return absl::OkStatus();
}

std::string BulkStep::NamesOf(const std::vector<std::size_t>& rows) const {
  std::string text = rows.size() == 1 ? "row" : "rows";
  for (std::size_t i = 0; i < std::min(rows.size(), kMostNamed); ++i) {
    absl::StrAppend(&text, i == 0 ? " " : ", ", position_of(rows[i]) + 1);
  }
  if (rows.size() > kMostNamed) {
    absl::StrAppend(&text, " and ", rows.size() - kMostNamed, " more");
  }
  return text;
}

absl::Status BulkStep::CheckArrived(std::size_t arrived, Share& share) const {
  if (arrived == chunk_) return absl::OkStatus();
  return share.Failed(absl::FailedPreconditionError(absl::StrCat(
      "INSERT of ", chunk_, " rows of ", mapping().class_info().name,
      " put in ", arrived,
      "; does a trigger or rule swallow rows? If they go elsewhere, give the "
      "class the option NoReturning")));
}

}  // namespace shard
