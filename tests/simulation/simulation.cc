#include "shard/tests/simulation/simulation.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/tests/simulation/databases.h"
#include "shard/tests/simulation/ledger.h"
#include "shard/tests/simulation/nemesis.h"
#include "shard/tests/simulation/program.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {
namespace {

constexpr int kMostLives = 4;     // of one program
constexpr int kFewestPasses = 4;  // of recovery at the end, a second apart
constexpr int kMostPasses = 12;

// The code on trial asks this world from now on.
class UseWorld {
 public:
  explicit UseWorld(World* world) { SetEnvironment(world); }
  ~UseWorld() { SetEnvironment(nullptr); }
};

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : world_(options.seed, options.keep_trace),
        use_world_(&world_),
        databases_(&world_, options.flaw),
        ledger_(&world_),
        nemesis_(
            &world_, &databases_, options.flaw,
            {[this] { return Living(); }, [this] { return ledger_.quiet(); }}) {
  }

  SimulationResult Run();

 private:
  void DrawPace();
  void Keep(int number);
  void Live(Process* process);
  void DoSomething(Program& program);
  void Finish();
  std::vector<Process*> Living() const;

  World world_;
  const UseWorld use_world_;
  Databases databases_;
  Ledger ledger_;
  Nemesis nemesis_;
  std::vector<Process*> programs_;
  int keepers_ = 0;
};

void Simulation::DrawPace() {
  Random& random = world_.random();
  Pace& pace = world_.pace();
  pace.stay = random.Below(16);
  if (random.Coin()) {
    pace.freeze_one_in = 20 << random.Below(5);
    pace.longest_freeze = absl::Milliseconds(10 << random.Below(7));
  }
  if (random.Coin()) pace.die_one_in = 100 << random.Below(4);
  if (random.Coin()) {
    pace.disk_full_one_in = 50;
    pace.sync_fails_one_in = 20;
  }
}

std::vector<Process*> Simulation::Living() const {
  std::vector<Process*> living;
  for (Process* process : programs_) {
    if (process->alive()) living.push_back(process);
  }
  return living;
}

// Starts a program, again if it dies.
void Simulation::Keep(int number) {
  for (int life = 0; life < kMostLives; ++life) {
    world_.Pause(absl::Milliseconds(100) * world_.random().Fraction());
    Process* const process =
        world_.NewProcess(absl::StrCat("program", number, "#", life));
    programs_.push_back(process);
    process->mortal = true;
    bool over = false;
    world_.Spawn(process, "main", [this, process, &over] {
      Live(process);
      over = true;
    });
    world_.WaitFor([&] { return over || !process->alive(); });
    std::erase(programs_, process);
    if (over) break;
  }
  --keepers_;
}

void Simulation::Live(Process* process) {
  auto program = std::make_shared<Program>(&world_, &databases_, &ledger_);
  if (const absl::Status opened = program->Open(); !opened.ok()) {
    world_.Note({"cannot open: ", std::string(opened.message())});
    return;
  }
  const std::size_t actors = 1 + world_.random().Below(3);
  std::size_t done = 0;
  for (std::size_t i = 0; i < actors; ++i) {
    world_.Spawn(process, absl::StrCat("session", i), [this, program, &done] {
      const std::size_t jobs = 1 + world_.random().Below(5);
      for (std::size_t job = 0; job < jobs; ++job) DoSomething(*program);
      ++done;
    });
  }
  const std::size_t passes = world_.random().Below(3);
  for (std::size_t i = 0; i < passes; ++i) {
    world_.Pause(absl::Milliseconds(300) * world_.random().Fraction());
    program->RecoverOnce();
  }
  world_.WaitFor([&] { return done == actors; });
}

void Simulation::DoSomething(Program& program) {
  if (world_.random().OneIn(4)) {
    program.RunPlainWrite(world_.random().Below(databases_.size()));
  } else {
    program.RunTransaction();
  }
}

// Everything is up again, and nobody else at work.
void Simulation::Finish() {
  nemesis_.Repair();
  world_.pace() = Pace();
  Process* const process = world_.NewProcess("auditor");
  bool over = false;
  world_.Spawn(process, "main", [this, &over] {
    Program program(&world_, &databases_, &ledger_);
    absl::Status opened = program.Open();
    if (!opened.ok()) world_.Violation(opened.ToString());
    std::string left;
    for (int pass = 0; opened.ok() && pass < kMostPasses; ++pass) {
      const bool clean = program.RecoverOnce().clean();
      left = clean ? "" : "recovery is not clean";
      for (const Database& database : databases_.all()) {
        absl::StrAppend(&left, left.empty() ? "" : "; ", database.Leftovers());
      }
      // What the dead have sent may still arrive, and undo what was clean.
      if (left.empty() && pass >= kFewestPasses) break;
      world_.Pause(absl::Seconds(1));
      if (pass % 3 == 2) world_.JumpAhead(absl::Hours(2));
    }
    if (!left.empty()) world_.Violation("left in the end: " + left);
    for (std::size_t i = 0; opened.ok() && i < databases_.size(); ++i) {
      program.RunPlainWrite(i, /*must_succeed=*/true);
    }
    over = true;
  });
  world_.WaitFor([&] { return over; });
  ledger_.Audit(databases_);
}

SimulationResult Simulation::Run() {
  DrawPace();
  keepers_ = 1 + static_cast<int>(world_.random().Below(3));
  Process* const init = world_.NewProcess("init");
  for (int i = 0, count = keepers_; i < count; ++i) {
    world_.Spawn(init, absl::StrCat("keeper", i), [this, i] { Keep(i); });
  }
  if (!world_.random().OneIn(4)) {
    world_.Spawn(init, "nemesis",
                 [this] { nemesis_.Run([this] { return keepers_ == 0; }); });
  }
  world_.Spawn(init, "judge", [this] {
    world_.WaitFor([this] { return keepers_ == 0; });
    Finish();
  });
  world_.Run();
  SimulationResult result;
  result.violations = world_.violations();
  result.trace = world_.trace();
  result.hash = world_.hash();
  result.steps = world_.steps();
  result.transactions = ledger_.attempts().size();
  for (const Attempt& attempt : ledger_.attempts()) {
    result.committed += attempt.told == Attempt::kCommitted ? 1 : 0;
  }
  return result;
}

}  // namespace

SimulationResult Simulate(const SimulationOptions& options) {
  return Simulation(options).Run();
}

}  // namespace shard::testing
