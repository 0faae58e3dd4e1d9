#include "shard/session/keys/uuid_v7.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/base/environment.h"
#include "shard/base/random_bytes.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

constexpr int kCounterBits = 18;
constexpr std::uint64_t kSeeds = std::uint64_t{1} << (kCounterBits - 1);
constexpr std::int64_t kMostMilliseconds = std::int64_t{1}
                                           << (64 - kCounterBits);
constexpr std::size_t kUuidBytes = 16;

// `place`: milliseconds and counter. The random end is there already.
void WriteHead(std::uint64_t place, char* out) {
  const std::uint64_t time = place >> kCounterBits;
  for (int i = 0; i < 6; ++i) {
    out[i] = static_cast<char>(time >> (40 - 8 * i) & 0xff);
  }
  const auto counter = static_cast<std::uint32_t>(place % (1u << kCounterBits));
  out[6] = static_cast<char>(0x70 | counter >> 14);
  out[7] = static_cast<char>(counter >> 6 & 0xff);
  out[8] = static_cast<char>(0x80 | (counter & 0x3f));
}

}  // namespace

UuidV7::UuidV7(Clock clock) : clock_(std::move(clock)) {}

absl::StatusOr<std::uint64_t> UuidV7::Advance(std::size_t count) {
  const absl::Time now = clock_ == nullptr ? Now() : clock_();
  const std::int64_t milliseconds = absl::ToUnixMillis(now);
  if (milliseconds < 0 || milliseconds >= kMostMilliseconds) {
    return absl::OutOfRangeError(
        "the clock shows a time that no UUID of version 7 can hold; set it");
  }
  std::uint64_t seed = 0;
  SHARD_RETURN_IF_ERROR(
      FillRandom(absl::MakeSpan(reinterpret_cast<char*>(&seed), sizeof(seed))));
  const std::uint64_t begin = static_cast<std::uint64_t>(milliseconds)
                              << kCounterBits;
  std::uint64_t latest = latest_.load(std::memory_order_relaxed);
  while (true) {
    const std::uint64_t first =
        latest < begin ? begin + seed % kSeeds : latest + 1;
    if (latest_.compare_exchange_weak(latest, first + count - 1,
                                      std::memory_order_relaxed)) {
      return first;
    }
  }
}

absl::StatusOr<Uuid> UuidV7::NextUuid() {
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t place, Advance(1));
  Uuid uuid;
  char* const out = reinterpret_cast<char*>(uuid.bytes.data());
  SHARD_RETURN_IF_ERROR(FillRandom(absl::MakeSpan(out + 9, kUuidBytes - 9)));
  WriteHead(place, out);
  return uuid;
}

absl::Status UuidV7::Take(std::size_t count, std::vector<sql::ValueView>* keys,
                          sql::ByteArena& arena) {
  if (count == 0) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t first, Advance(count));
  char* out = arena.Allocate(count * kUuidBytes);
  SHARD_RETURN_IF_ERROR(FillRandom(absl::MakeSpan(out, count * kUuidBytes)));
  keys->reserve(keys->size() + count);
  for (std::size_t i = 0; i < count; ++i, out += kUuidBytes) {
    WriteHead(first + i, out);
    keys->push_back(sql::ValueView::Bytes(sql::ValueType::kUuid,
                                          std::string_view(out, kUuidBytes)));
  }
  return absl::OkStatus();
}

}  // namespace shard
