// A process that dies in the middle of a commit, or of a recovery.
//
//   fault_child COMMAND DIE_AT NAME URL ...
//
// COMMAND "commit" adds a city of that name to each database and commits;
// "one" does so to the first, having read from the others; "recover" runs a
// pass of recovery. From there on fail points are counted, and number DIE_AT,
// from 0, ends the process with code 99. If there are not so many it prints
// what happened and each fail point that it passed, a line each. COMMAND "die"
// commits too, and dies at the first fail point called DIE_AT.
// So does "work", with a city in the first database, which decides, and the
// FollowerWork called NAME in the second.
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "shard/base/failpoint.h"
#include "shard/session/commit_result.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/cluster.h"
#include "shard/tests/session/two_phase/follower_works.h"

namespace shard::testing {
namespace {

constexpr int kDied = 99;

std::vector<std::string>& Passed() {
  static auto& passed = *new std::vector<std::string>;
  return passed;
}

void DieAt(std::size_t number) {
  SetFailPointHandler([number](std::string_view name) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    if (Passed().size() == number) _exit(kDied);
    Passed().emplace_back(name);
  });
}

void DieAt(const std::string& fail_point) {
  SetFailPointHandler([fail_point](std::string_view name) {
    if (name == fail_point) _exit(kDied);
  });
}

std::string Told(const absl::StatusOr<CommitResult>& result) {
  if (result.ok()) return result->has_pending() ? "pending" : "committed";
  return InDoubtOf(result.status()).has_value() ? "in doubt" : "aborted";
}

void DoWork(ShardedSession& session, const std::string& name) {
  for (const FollowerWork& work : FollowerWorks()) {
    if (work.name != name) continue;
    for (const std::string& statement : work.script) {
      const auto result = session.Execute(statement, {}, OnShard("d1"));
      if (!result.ok()) throw std::runtime_error(result.status().ToString());
    }
  }
}

int Run(const std::vector<std::string>& arguments) {
  const std::string& command = arguments.at(0);
  const bool work = command == "work";
  const bool by_name = command == "die" || work;
  const std::size_t die_at = by_name ? 0 : std::stoul(arguments.at(1));
  const std::vector<std::string> urls(arguments.begin() + 3, arguments.end());
  Cluster cluster(urls);
  std::string outcome;
  if (command == "commit" || command == "one" || by_name) {
    std::vector<std::size_t> all(work ? 1 : urls.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    ShardedSession session(cluster.options());
    if (command == "one") {
      all.resize(1);
      if (!session.Scalars(Select<City>()).ok()) return 1;
    }
    cluster.AddCities(session, arguments.at(2), all);
    if (work) DoWork(session, arguments.at(2));
    by_name ? DieAt(arguments.at(1)) : DieAt(die_at);
    outcome = Told(session.Commit());
  } else {
    DieAt(die_at);
    outcome = cluster.RecoverNow().ToString();
  }
  SetFailPointHandler(nullptr);
  std::cout << outcome << "\n";
  for (const std::string& name : Passed()) std::cout << name << "\n";
  return 0;
}

}  // namespace
}  // namespace shard::testing

int main(int argc, char** argv) {
  try {
    return shard::testing::Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "fault_child: " << error.what() << "\n";
    return 1;
  }
}
