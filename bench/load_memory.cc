// How much memory a load takes, whatever the number of its rows: the most that
// the process had resident while it streamed them into SQLite files, above what
// it had before.
//
//   load_memory [--rows N] [--files N]

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/bench/items.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"

namespace shard::bench {
namespace {

constexpr double kAtMostMebibytes = 64;

// A line of this process's status that is in kB: VmRSS is what is resident now,
// VmHWM the most that ever was.
double Mebibytes(std::string_view line) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != line) continue;
    double kibibytes = 0;
    status >> kibibytes;
    return kibibytes / 1024;
  }
  return 0;
}

absl::StatusOr<SessionOptions> Files(const TemporaryFolder& folder,
                                     std::size_t count) {
  HorizontalOptions horizontal;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(absl::StrCat("d", i));
    SHARD_ASSIGN_OR_RETURN(auto engine,
                           MakeSqlite(folder.PathOf(names.back() + ".db")));
    horizontal.shards.emplace_back(names.back(), std::move(engine));
  }
  SessionOptions options;
  SHARD_ASSIGN_OR_RETURN(
      options.topology,
      Topology::Open({.cluster = "bench", .databases = horizontal.shards}));
  SHARD_ASSIGN_OR_RETURN(auto hash, HashStrategy::Create(names));
  horizontal.rules.push_back(
      ShardRule{{&Item::c.quantity.column()}, std::move(hash)});
  SHARD_ASSIGN_OR_RETURN(options.resolver,
                         HorizontalResolver::Create(std::move(horizontal)));
  return options;
}

absl::Status Run(std::size_t rows, std::size_t files) {
  TemporaryFolder folder;
  SHARD_ASSIGN_OR_RETURN(const SessionOptions options, Files(folder, files));
  GeneratorSource<Item> source(
      [i = std::size_t{0}, rows]() mutable -> std::optional<Item::Row> {
        if (i == rows) return std::nullopt;
        ItemRow row = MakeRow(i++);
        return Item::Row{0, std::move(row.name), std::move(row.label),
                         row.quantity, row.price};
      },
      {.total_rows = rows, .number_keys = true});
  const double before = Mebibytes("VmRSS:");
  LoadOptions load;
  load.name = "items";
  SHARD_ASSIGN_OR_RETURN(const LoadReport report, Load(options, source, load));
  if (report.inserted != rows) return absl::InternalError("rows are missing");
  std::cout << "rows\tfiles\tseconds\tmebibytes\tat_most\n"
            << rows << '\t' << files << '\t'
            << absl::ToDoubleSeconds(report.elapsed) << '\t'
            << Mebibytes("VmHWM:") - before << '\t' << kAtMostMebibytes << '\n';
  return absl::OkStatus();
}

// "--name value"; leaves `value` alone where it is not there.
void Take(std::string_view name, int argc, char** argv, std::size_t* value) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] != name) continue;
    if (!absl::SimpleAtoi(argv[i + 1], value) || *value == 0) std::exit(2);
  }
}

}  // namespace
}  // namespace shard::bench

int main(int argc, char** argv) {
  std::size_t rows = 5'000'000, files = 4;
  shard::bench::Take("--rows", argc, argv, &rows);
  shard::bench::Take("--files", argc, argv, &files);
  const absl::Status status = shard::bench::Run(rows, files);
  if (!status.ok()) std::cerr << "load_memory: " << status << '\n';
  return status.ok() ? 0 : 1;
}
