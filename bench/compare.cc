// Compares the library with floors written by hand on the raw drivers; see
// README.md. One tab-separated line a case.
//
//   compare [--filter REGEX] [--pairs N]

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "shard/bench/cases.h"
#include "shard/bench/comparison.h"

namespace shard::bench {
namespace {

constexpr int kFewestPairs = 5;

struct Options {
  std::string filter;
  int pairs = 11;
};

std::vector<Case> AllCases() {
  std::vector<Case> all;
  for (auto* list : {FlushCases, PostgresFlushCases, UpdateCases, BulkCases,
                     PostgresBulkCases, GetCases, PostgresGetCases,
                     ScalarsCases, RouterCases, PruningCases, RoutingCases,
                     PlainCommitCases, TwoPhaseCases, SqliteCommitCases}) {
    for (Case& one : list()) all.push_back(std::move(one));
  }
  return all;
}

// "--name value" or "--name=value"; null when argument i is another option.
const char* ValueOf(std::string_view name, int argc, char** argv, int* i) {
  const std::string_view argument = argv[*i];
  if (!argument.starts_with(name)) return nullptr;
  if (argument.size() > name.size() && argument[name.size()] == '=') {
    return argv[*i] + name.size() + 1;
  }
  if (argument != name || *i + 1 >= argc) return nullptr;
  return argv[++*i];
}

[[noreturn]] void Usage(std::string_view problem) {
  std::cerr << "compare: " << problem
            << "\nusage: compare [--filter REGEX] [--pairs N]\n";
  std::exit(2);
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (const char* filter = ValueOf("--filter", argc, argv, &i)) {
      options.filter = filter;
    } else if (const char* pairs = ValueOf("--pairs", argc, argv, &i)) {
      options.pairs = std::atoi(pairs);
      if (options.pairs < kFewestPairs) Usage("--pairs needs 5 at least");
    } else {
      Usage(std::string("no option '") + argv[i] + "'");
    }
  }
  return options;
}

int Main(int argc, char** argv) {
  int benchmark_argc = 1;
  benchmark::Initialize(&benchmark_argc, argv);
  const Options options = ParseOptions(argc, argv);
  std::regex filter;
  try {
    filter = std::regex(options.filter);
  } catch (const std::regex_error& error) {
    Usage(std::string("--filter is no regular expression: ") + error.what());
  }
  std::cout << ComparisonHeader() << std::endl;
  for (const Case& one : AllCases()) {
    if (!std::regex_search(one.name, filter)) continue;
    std::cout << Compare(one, options.pairs) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace shard::bench

int main(int argc, char** argv) { return shard::bench::Main(argc, argv); }
