#include "shard/bench/comparison.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace shard::bench {
namespace {

// How long a side of a pair runs at least. Short, so that the two sides of a
// pair lie close together.
constexpr double kSecondsEach = 0.03;

constexpr char kOurs[] = "ours", kFloor[] = "floor";

// Runs a side and times Run() alone: the rest is neither side's work.
absl::Status RunTimed(benchmark::State& state, Side& side) {
  absl::Status status = side.Prepare();
  if (!status.ok()) return status;
  const auto begin = std::chrono::steady_clock::now();
  status = side.Run();
  const auto end = std::chrono::steady_clock::now();
  if (!status.ok()) return status;
  state.SetIterationTime(std::chrono::duration<double>(end - begin).count());
  return side.CleanUp();
}

// Keeps the time of the one benchmark that was run, or why it has none.
class LastRun : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      error_ = run.error_occurred ? run.error_message : "";
      seconds_ =
          run.real_accumulated_time / static_cast<double>(run.iterations);
    }
  }
  const std::string& error() const { return error_; }
  double seconds() const { return seconds_; }  // of one Side::Run()

 private:
  std::string error_ = "it did not run";
  double seconds_ = 0;
};

// One side of a case, known to Google Benchmark by a name of its own.
class TimedSide {
 public:
  TimedSide(const Case& what, const char* which, std::unique_ptr<Side> side)
      : name_(absl::StrCat(what.name, "/", which)), side_(std::move(side)) {
    benchmark::RegisterBenchmark(
        name_.c_str(),
        [this](benchmark::State& state) {
          for (auto iteration : state) {
            static_cast<void>(iteration);
            const absl::Status status = RunTimed(state, *side_);
            if (status.ok()) continue;
            state.SkipWithError(status.ToString().c_str());
            break;
          }
        })
        ->UseManualTime()
        ->MinTime(kSecondsEach);
  }

  // Seconds for one run.
  absl::StatusOr<double> Measure() {
    LastRun last;
    benchmark::RunSpecifiedBenchmarks(&last, absl::StrCat("^", name_, "/"));
    if (!last.error().empty()) return absl::UnknownError(last.error());
    return last.seconds();
  }

 private:
  const std::string name_;
  const std::unique_ptr<Side> side_;
};

absl::StatusOr<std::unique_ptr<TimedSide>> MakeTimed(const Case& what,
                                                     const char* which,
                                                     const MakeSide& make) {
  absl::StatusOr<std::unique_ptr<Side>> side = make();
  if (!side.ok()) return side.status();
  return std::make_unique<TimedSide>(what, which, *std::move(side));
}

// The times of all pairs, in seconds a run.
struct Measured {
  std::vector<double> ours;
  std::vector<double> floor;
};

absl::StatusOr<Measured> MeasurePairs(const Case& what, int pairs) {
  auto ours = MakeTimed(what, kOurs, what.ours);
  if (!ours.ok()) return ours.status();
  std::unique_ptr<TimedSide> floor;
  if (what.floor) {
    auto made = MakeTimed(what, kFloor, what.floor);
    if (!made.ok()) return made.status();
    floor = *std::move(made);
  }
  Measured measured;
  const auto measure = [](TimedSide* side, std::vector<double>* out) {
    if (side == nullptr) return absl::OkStatus();
    const absl::StatusOr<double> seconds = side->Measure();
    if (seconds.ok()) out->push_back(*seconds);
    return seconds.status();
  };
  for (int pair = -1; pair < pairs; ++pair) {
    const bool ours_first = pair % 2 == 0;
    for (const bool first : {true, false}) {
      const bool is_ours = ours_first == first;
      absl::Status status = measure(is_ours ? ours->get() : floor.get(),
                                    is_ours ? &measured.ours : &measured.floor);
      if (!status.ok()) return status;
    }
    if (pair == -1) measured = {};  // cold caches, statements not prepared
  }
  return measured;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

std::string Line(const Case& what, const Measured& measured) {
  const double operations = static_cast<double>(what.operations);
  std::vector<double> figures;  // a ratio or nanoseconds for each pair
  for (std::size_t i = 0; i < measured.ours.size(); ++i) {
    figures.push_back(what.floor ? measured.ours[i] / measured.floor[i]
                                 : measured.ours[i] / operations * 1e9);
  }
  const auto [least, most] =
      std::minmax_element(figures.begin(), figures.end());
  const std::string floor =
      what.floor
          ? absl::StrFormat("%.3f", Median(measured.floor) / operations * 1e6)
          : "-";
  return absl::StrFormat("%s\t%.3f\t%s\t%.2f\t%.2f-%.2f\t%g", what.name,
                         Median(measured.ours) / operations * 1e6, floor,
                         Median(figures), *least, *most, what.at_most);
}

}  // namespace

std::string ComparisonHeader() {
  return "case\tours_us\tfloor_us\tratio_or_ns\tmin-max\tat_most"
         "\t(nanoseconds where the floor is -)";
}

std::string Compare(const Case& what, int pairs) {
  const absl::StatusOr<Measured> measured = MeasurePairs(what, pairs);
  benchmark::ClearRegisteredBenchmarks();  // its sides are gone
  if (!measured.ok()) {
    return absl::StrCat(what.name, "\t-\t-\t-\tnot measured: ",
                        measured.status().message(), "\t", what.at_most);
  }
  return Line(what, *measured);
}

}  // namespace shard::bench
