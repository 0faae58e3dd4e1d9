// A process that dies in the middle of a load.
//
//   load_child DIE_AT ROWS BATCH URL ...
//
// Loads cities 1 to ROWS, in batches, under the name "cities". Fail points are
// counted, and number DIE_AT, from 0, ends the process with code 99. If there
// are not so many it prints how many it has passed.
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/failpoint.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/cluster.h"

namespace shard::testing {
namespace {

constexpr int kDied = 99;

int Run(const std::vector<std::string>& arguments) {
  const std::size_t die_at = std::stoul(arguments.at(0));
  const std::int64_t count = std::stol(arguments.at(1));
  LoadOptions how{.name = "cities"};
  how.batch_rows = std::stoul(arguments.at(2));
  // What died before may hold locks until it is recovered.
  how.retry.most_tries = 1000;
  how.retry.longest_pause = absl::Milliseconds(100);
  const std::vector<std::string> urls(arguments.begin() + 3, arguments.end());
  Cluster cluster(urls);
  SessionOptions options = cluster.options();
  options.lock_timeout = absl::Milliseconds(300);
  options.recovery.background = true;
  options.recovery.interval = absl::Milliseconds(100);
  options.recovery.recover_after = absl::Milliseconds(50);
  GeneratorSource<City> source(
      [&, n = std::int64_t{0}]() mutable -> std::optional<City::Row> {
        if (n == count) return std::nullopt;
        const std::string place = absl::StrCat("C", n % urls.size());
        return City::Row{
            .id = ++n, .continent = place, .name = "n", .population = n};
      });
  std::atomic<std::size_t> passed = 0;
  SetFailPointHandler([&](std::string_view) {
    if (passed++ == die_at) _exit(kDied);
  });
  const auto report = Load(options, source, how);
  SetFailPointHandler(nullptr);
  if (!report.ok()) {
    std::cout << report.status() << "\n";
    return 1;
  }
  std::cout << passed << "\n";
  return 0;
}

}  // namespace
}  // namespace shard::testing

int main(int argc, char** argv) {
  return shard::testing::Run({argv + 1, argv + argc});
}
