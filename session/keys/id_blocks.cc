#include "shard/session/keys/id_blocks.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/fork_count.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

constexpr std::size_t kLongestName = 200;

absl::Status CheckOptions(std::string_view name,
                          const IdBlockOptions& options) {
  const auto bad = [&](const char* problem) {
    return absl::InvalidArgumentError(
        absl::StrCat("id blocks '", ToAbsl(name), "': ", problem));
  };
  if (name.empty() || name.size() > kLongestName) {
    return bad("the name must have 1 to 200 bytes");
  }
  if (options.block_size < 1) return bad("block_size is less than 1");
  if (options.first < 1) return bad("first is less than 1");
  if (options.last < options.first) return bad("last is less than first");
  if (options.timeout <= absl::ZeroDuration()) {
    return bad("timeout is not above zero");
  }
  return absl::OkStatus();
}

}  // namespace

IdBlocks::IdBlocks(std::shared_ptr<Engine> engine, std::string_view name,
                   const IdBlockOptions& options)
    : name_(absl::StrCat("id blocks '", ToAbsl(name), "'")),
      options_(options),
      forks_(ForkCount()),
      table_(std::move(engine), std::string(name),
             {options.first, options.last}, options.timeout) {}

absl::StatusOr<std::shared_ptr<IdBlocks>> IdBlocks::Open(
    std::shared_ptr<Engine> engine, std::string_view name,
    const IdBlockOptions& options) {
  if (engine == nullptr) {
    return absl::InvalidArgumentError("IdBlocks::Open needs an engine");
  }
  SHARD_RETURN_IF_ERROR(CheckOptions(name, options));
  const std::shared_ptr<IdBlocks> blocks(
      new IdBlocks(std::move(engine), name, options));
  SHARD_RETURN_IF_ERROR(Annotate(blocks->table_.EnsureTable(), blocks->name_));
  if (options.prefetch) {
    blocks->thread_ = std::thread([raw = blocks.get()] { raw->Prefetch(); });
  }
  return blocks;
}

IdBlocks::~IdBlocks() {
  if (!thread_.joinable()) return;
  if (ForkCount() != forks_) {  // there is no such thread here
    thread_.detach();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

absl::Status IdBlocks::Reserve(std::size_t least,
                               std::unique_lock<std::mutex>& lock) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto count =
      static_cast<std::int64_t>(std::min<std::uint64_t>(least, kMost));
  return flight_.Run(lock, [&] {
    const absl::StatusOr<IdRange> range =
        table_.Reserve(count, std::max(count, options_.block_size));
    if (!range.ok()) return Annotate(range.status(), name_);
    const std::lock_guard again(mutex_);
    ranges_.push_back(*range);
    available_ += range->size();
    return absl::OkStatus();
  });
}

absl::Status IdBlocks::Take(std::size_t count,
                            std::vector<sql::ValueView>* keys,
                            sql::ByteArena&) {
  SHARD_RETURN_IF_ERROR(CheckNotForked(forks_, name_));
  std::unique_lock lock(mutex_);
  while (available_ < count) {
    SHARD_RETURN_IF_ERROR(Reserve(count - available_, lock));
  }
  available_ -= count;
  keys->reserve(keys->size() + count);
  while (count > 0) {
    IdRange& range = ranges_.front();
    const auto taken =
        static_cast<std::int64_t>(std::min<std::uint64_t>(count, range.size()));
    for (std::int64_t i = 0; i < taken; ++i) {
      keys->push_back(sql::ValueView::Int64(range.first + i));
    }
    count -= static_cast<std::size_t>(taken);
    if (range.last - range.first + 1 == taken) {
      ranges_.pop_front();
    } else {
      range.first += taken;
    }
  }
  if (options_.prefetch && runs_low() && !wanted_) {
    wanted_ = true;
    wake_.notify_one();
  }
  return absl::OkStatus();
}

// What goes wrong here is found out by whoever takes the last id.
void IdBlocks::Prefetch() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    if (runs_low()) Reserve(1, lock).IgnoreError();
    wanted_ = false;
  }
}

}  // namespace shard
