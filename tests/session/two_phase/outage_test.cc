#include "shard/tests/session/two_phase/outage_test.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/failpoint.h"
#include "shard/session/commit_result.h"
#include "shard/sql/types.h"

namespace shard::testing {
namespace {

void Require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

// Recovery repeats to the byte what was lost with the power, and then what was
// written behind it, and not lost, goes on from it: a COMMIT that only another
// recovery of the log would see. Who finds one clears it out, and is told so.
bool IsClearedLog(const absl::Status& status) {
  return absl::IsAborted(status) &&
         absl::StrContains(status.message(),
                           "had to be cleared out of the log");
}

}  // namespace

bool OutageTest::AllOutages() {
  return std::getenv("SHARD_TEST_ALL_OUTAGES") != nullptr;
}

OutageTest::OutageTest()
    : disk_(absl::StrCat(::testing::TempDir(), "/", Uuid::Random().ToText())) {
  if (!MadeDatabases::CanMake(GetParam())) return;
  made_ = std::make_unique<MadeDatabases>(GetParam(), disk_.folder());
  {
    Cluster cluster = Open();
    NumberedWork(&cluster).Begin();
  }
  initial_ = disk_.trace().Now();
  // Between two writes of SQLite a marker may come and go.
  SetFailPointHandler([this](std::string_view) { disk_.events(); });
}

OutageTest::~OutageTest() {
  SetFailPointHandler(nullptr);
  std::filesystem::remove_all(disk_.folder());
}

Cluster OutageTest::Open() {
  EngineOptions options;
  options.busy_timeout = absl::Milliseconds(500);
  return Cluster(made_->urls(), options);
}

void OutageTest::Commit(Cluster& cluster, std::int64_t number) {
  absl::StatusOr<CommitResult> result = NumberedWork(&cluster).Commit(number);
  for (std::size_t file = 0; file < cluster.size(); ++file) {
    if (!IsClearedLog(result.status())) break;
    result = NumberedWork(&cluster).Commit(number);  // once for each file
  }
  Require(result.ok(), absl::StrCat("cannot commit transaction ", number, ": ",
                                    result.status().ToString()));
  Require(result->all_committed(), result->ToString());
}

void OutageTest::RecoverUntilClean(Cluster& cluster) {
  RecoveryReport report = cluster.RecoverNow();
  for (int passes = 1; passes < 4 && !IsClean(report, cluster); ++passes) {
    report = cluster.RecoverNow();
  }
  Require(IsClean(report, cluster),
          absl::StrCat("does not become clean: ", report.ToString()));
}

bool OutageTest::IsClean(const RecoveryReport& report, Cluster& cluster) {
  if (!report.clean()) return false;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    Outside database(cluster.url(i));
    if (database.Decisions() > 0 || database.Prepared() > 0) return false;
  }
  return true;
}

NumberedWork::Done OutageTest::Find(Cluster& cluster) {
  const absl::StatusOr<NumberedWork::Done> done = NumberedWork(&cluster).Find();
  Require(done.ok(), done.status().ToString());
  return *done;
}

Aftermath OutageTest::TakeUp(First first) {
  Aftermath after;
  try {
    Cluster cluster = Open();
    Examine(cluster, first, &after);
  } catch (const std::exception& error) {
    after.problem = error.what();
  }
  return after;
}

Aftermath OutageTest::GoOn(Cluster& cluster, First first) {
  Aftermath after;
  try {
    Examine(cluster, first, &after);
  } catch (const std::exception& error) {
    after.problem = error.what();
  }
  return after;
}

void OutageTest::Examine(Cluster& cluster, First first, Aftermath* after) {
  if (first == First::kWrite) WriteAlone(cluster, &after->alone_at);
  RecoverUntilClean(cluster);
  after->trace = disk_.trace();
  after->recovered_at = after->trace.events().size();
  after->done = Find(cluster);
  // All locks are free, and no fence stands.
  Commit(cluster, after->done.transactions + 1);
  RecoverUntilClean(cluster);
  const NumberedWork::Done next = Find(cluster);
  Require(next.transactions == after->done.transactions + 1 &&
              next.alone == after->done.alone,
          "the next transaction changed more than it should");
}

// Writers who do not wait for recovery: refused, or behind all that is decided.
// Servers have them wait for locks.
void OutageTest::WriteAlone(Cluster& cluster,
                            std::map<std::size_t, std::size_t>* told_at) {
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    if (cluster.engine(i)->dialect().name() != "sqlite") continue;
    absl::Status status = NumberedWork(&cluster).CommitAlone(i);
    for (int tries = 1; !status.ok() && tries < 5; ++tries) {
      Require(absl::IsAborted(status) || absl::IsUnavailable(status),
              status.ToString());
      cluster.RecoverNow();
      status = NumberedWork(&cluster).CommitAlone(i);
    }
    Require(status.ok(),
            absl::StrCat("no writer gets in: ", status.ToString()));
    (*told_at)[i] = disk_.events();
  }
}

std::vector<Outage> OutageTest::OutagesBefore(std::size_t event,
                                              std::size_t power_losses) {
  std::vector<Outage> outages = {{Outage::kProcessDeath, event}};
  for (std::size_t i = 0; i < power_losses; ++i) {
    const std::uint64_t seed = i == 0 ? 0 : 2 + event * 5 + i;
    outages.push_back({Outage::kPowerLoss, event, seed});
  }
  return outages;
}

std::string OutageTest::Describe(const DiskTrace& trace, const Outage& outage) {
  std::string text = outage.kind == Outage::kProcessDeath
                         ? "process death"
                         : absl::StrCat("power loss, seed ", outage.seed, ",");
  absl::StrAppend(&text, " before event ", outage.before_event);
  const std::size_t from = std::max<std::size_t>(outage.before_event, 6) - 6;
  for (std::size_t i = from; i < from + 9 && i < trace.events().size(); ++i) {
    absl::StrAppend(&text, "\n", i == outage.before_event ? "  -> " : "     ",
                    i, " ", trace.events()[i].ToString());
  }
  return text;
}

}  // namespace shard::testing
