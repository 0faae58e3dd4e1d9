#include "shard/session/load_meter.h"

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"

namespace shard {
namespace {

double RateOf(std::uint64_t from, std::uint64_t to, absl::Duration elapsed) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (seconds <= 0 || to <= from) return 0;
  return static_cast<double>(to - from) / seconds;
}

std::optional<absl::Duration> TimeLeft(std::optional<std::uint64_t> total,
                                       std::uint64_t done, double rate) {
  if (!total.has_value()) return std::nullopt;
  if (*total <= done) return absl::ZeroDuration();
  if (rate <= 0) return std::nullopt;
  return absl::Seconds(static_cast<double>(*total - done) / rate);
}

}  // namespace

LoadMeter::LoadMeter(const LoadSource* source, const LoadOptions* options,
                     const LoadPosition& start)
    : source_(*source), options_(*options), start_(start), began_(Now()) {}

void LoadMeter::BeginAnew() {
  rates_from_ = Now();
  ++begun_anew_;
}

absl::Duration LoadMeter::elapsed() const { return Now() - began_; }

LoadProgress LoadMeter::ProgressAt(const LoadPosition& position) const {
  LoadProgress progress;
  progress.position = position;
  progress.total_rows = source_.total_rows();
  progress.total_bytes = source_.total_bytes();
  progress.begun_anew = begun_anew_;
  progress.elapsed = elapsed();
  const absl::Duration moving =
      begun_anew_ == 0 ? progress.elapsed : Now() - rates_from_;
  progress.rows_per_second = RateOf(start_.rows, position.rows, moving);
  progress.bytes_per_second = RateOf(start_.bytes, position.bytes, moving);
  // Rows are alike, of bytes it is only known how many they are.
  progress.time_left =
      TimeLeft(progress.total_rows, position.rows, progress.rows_per_second);
  if (!progress.total_rows.has_value()) {
    progress.time_left = TimeLeft(progress.total_bytes, position.bytes,
                                  progress.bytes_per_second);
  }
  return progress;
}

absl::Status LoadMeter::Tell(const LoadPosition& position,
                             std::uint64_t refused, std::uint64_t batches) {
  if (options_.on_progress == nullptr) return absl::OkStatus();
  const absl::Time now = Now();
  if (now - told_ < options_.progress_interval) return absl::OkStatus();
  told_ = now;
  LoadProgress progress = ProgressAt(position);
  progress.refused = refused;
  progress.batches = batches;
  return options_.on_progress(progress);
}

absl::Status LoadMeter::TellEnd(const LoadPosition& position,
                                std::uint64_t refused, std::uint64_t batches) {
  if (options_.on_progress == nullptr) return absl::OkStatus();
  LoadProgress progress = ProgressAt(position);
  progress.refused = refused;
  progress.batches = batches;
  progress.time_left = absl::ZeroDuration();
  progress.finished = true;
  return options_.on_progress(progress);
}

}  // namespace shard
