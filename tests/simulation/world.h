// The simulated world: time, chance, processes, and who goes on next.
#ifndef SHARD_TESTS_SIMULATION_WORLD_H_
#define SHARD_TESTS_SIMULATION_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/tests/simulation/fiber.h"
#include "shard/tests/simulation/random.h"

namespace shard::testing {

// Thrown into every actor of a process that dies, and caught by the world at
// the actor's top. On the way destructors run, which a real death would not
// let them do: so whatever they ask of a database then is not heard there.
struct ProcessDied {};

struct Actor;

// A program at work, or a server. Made and owned by its World.
class Process {
 public:
  explicit Process(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }
  bool alive() const { return alive_; }
  // It died with its machine: nobody tells the other side of its connections.
  bool lost_power() const { return lost_power_; }

  // May die at any step of its own, if the world is of that kind.
  bool mortal = false;

 private:
  friend class World;
  const std::string name_;
  bool alive_ = true;
  bool lost_power_ = false;
};

// How wild the world is; drawn from the seed.
struct Pace {
  // So many times in sixteen the same actor goes on, if it can.
  std::size_t stay = 0;
  // Once in so many steps an actor is left alone for a while; 0: never.
  std::size_t freeze_one_in = 0;
  absl::Duration longest_freeze;
  // Once in so many steps its process dies; 0: never.
  std::size_t die_one_in = 0;
  // Once in so many commits to a file the disk is full, or a sync fails.
  std::size_t disk_full_one_in = 0;
  std::size_t sync_fails_one_in = 0;
};

// All actors of all processes run in one thread, one at a time. Whatever they
// ask of the world or of a database is a scheduling point: there the world
// draws who goes on. Time is virtual: it passes a little with each step, and
// jumps to the next thing that is waited for when nobody can go on. So a run
// is a function of its seed alone, and is told from others by its hash.
class World : public Environment {
 public:
  explicit World(std::uint64_t seed, bool keep_trace);
  ~World() override;

  Random& random() { return random_; }
  Pace& pace() { return pace_; }

  // Environment, for the code on trial.
  absl::Time Now() override { return now_; }
  void Pause(absl::Duration duration) override;
  double Chance() override { return random_.Fraction(); }
  std::string RandomBytes(std::size_t bytes) override;

  Process* NewProcess(std::string name);
  // `body` begins to run some time later.
  void Spawn(Process* process, std::string name, std::function<void()> body);
  // Kills all actors of the process, at once. If the caller is one of them it
  // throws ProcessDied.
  void Kill(Process* process, bool power = false);
  // Runs until all actors are done.
  void Run();

  // Of actors.
  Process* process() const;
  bool alive() const;  // also outside of all actors
  // Throws ProcessDied if it did; false where that must not be thrown.
  bool may_go_on() const;
  // In a destructor of the code on trial perhaps, so that nothing is thrown.
  class Shield {
   public:
    explicit Shield(World* world);
    ~Shield();
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;

   private:
    Actor* const actor_;
  };
  // Others may go on, or the process dies.
  void Step();
  // Waits for it, to `deadline` at most; false then.
  bool WaitFor(const std::function<bool()>& condition,
               absl::Time deadline = absl::InfiniteFuture());

  // A line of the trace.
  void Note(std::initializer_list<std::string_view> pieces);
  // What must not be.
  void Violation(std::string what);
  void JumpAhead(absl::Duration duration) { now_ += duration; }

  const std::vector<std::string>& trace() const { return trace_; }
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t hash() const { return hash_; }
  std::size_t steps() const { return steps_; }

 private:
  Actor* Pick();
  void Switch(Actor& actor);
  void Suspend();
  bool Ready(const Actor& actor) const;
  void Unwind();
  void Mix(std::string_view text);

  Random random_;
  const bool keep_trace_;
  Pace pace_;
  absl::Time now_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Actor>> actors_;
  Actor* current_ = nullptr;
  bool some_ended_ = false;
  std::vector<Actor*> ready_;  // of Pick
  std::size_t steps_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::vector<std::string> trace_;
  std::vector<std::string> violations_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_WORLD_H_
