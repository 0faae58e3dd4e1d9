#include "shard/tests/simulation/world.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/strings.h"

namespace shard::testing {
namespace {

// More than any seed takes that comes to an end.
constexpr std::size_t kMostSteps = 400'000;

// Most that passes with one step.
constexpr std::int64_t kStepMicroseconds = 200;

}  // namespace

struct Actor {
  Process* process;
  std::string name;
  std::unique_ptr<Fiber> fiber;
  const std::function<bool()>* condition = nullptr;  // null: may go on
  absl::Time deadline = absl::InfiniteFuture();
  absl::Time frozen_until = absl::InfinitePast();
  bool doomed = false;
  int shields = 0;

  bool may_throw() const {
    return shields == 0 && std::uncaught_exceptions() == 0;
  }
};

World::World(std::uint64_t seed, bool keep_trace)
    : random_(seed),
      keep_trace_(keep_trace),
      now_(absl::FromUnixSeconds(1'700'000'000)) {}

World::~World() { Unwind(); }

std::string World::RandomBytes(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& byte : text) byte = static_cast<char>(random_.Next());
  return text;
}

Process* World::NewProcess(std::string name) {
  processes_.push_back(std::make_unique<Process>(std::move(name)));
  return processes_.back().get();
}

void World::Spawn(Process* process, std::string name,
                  std::function<void()> body) {
  auto actor = std::make_unique<Actor>();
  Actor* const self = actor.get();
  actor->process = process;
  actor->name = std::move(name);
  actor->fiber = std::make_unique<Fiber>([self, body = std::move(body)] {
    try {
      if (!self->doomed) body();
    } catch (const ProcessDied&) {
    }
  });
  actors_.push_back(std::move(actor));
}

Process* World::process() const {
  return current_ == nullptr ? nullptr : current_->process;
}

bool World::alive() const {
  return current_ == nullptr || current_->process->alive();
}

bool World::may_go_on() const {
  if (current_ == nullptr) return false;
  if (current_->process->alive()) return true;
  if (current_->may_throw()) throw ProcessDied();
  return false;
}

World::Shield::Shield(World* world) : actor_(world->current_) {
  if (actor_ != nullptr) ++actor_->shields;
}

World::Shield::~Shield() {
  if (actor_ != nullptr) --actor_->shields;
}

void World::Switch(Actor& actor) {
  Actor* const before = std::exchange(current_, &actor);
  actor.condition = nullptr;
  actor.deadline = absl::InfiniteFuture();
  actor.fiber->Resume();
  some_ended_ = some_ended_ || actor.fiber->ended();
  current_ = before;
}

void World::Suspend() {
  Fiber::Suspend();
  if (current_->doomed && current_->may_throw()) throw ProcessDied();
}

void World::Kill(Process* process, bool power) {
  if (!process->alive_) return;
  process->alive_ = false;
  process->lost_power_ = power;
  Note({process->name(), power ? " loses power" : " dies"});
  // Actors that unwind spawn no others.
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    Actor& actor = *actors_[i];
    if (actor.process != process || actor.doomed) continue;
    actor.doomed = true;
    if (&actor != current_ && !actor.fiber->ended()) Switch(actor);
  }
  if (current_ != nullptr && current_->process == process) throw ProcessDied();
}

void World::Unwind() {
  for (const auto& process : processes_) Kill(process.get());
}

bool World::Ready(const Actor& actor) const {
  return actor.condition == nullptr || now_ >= actor.deadline ||
         (*actor.condition)();
}

// Null when nobody will ever go on.
Actor* World::Pick() {
  while (true) {
    ready_.clear();
    absl::Time next = absl::InfiniteFuture();
    for (const auto& actor : actors_) {
      if (!Ready(*actor)) {
        next = std::min(next, std::max(actor->deadline, actor->frozen_until));
      } else if (now_ < actor->frozen_until) {
        next = std::min(next, actor->frozen_until);
      } else {
        ready_.push_back(actor.get());
      }
    }
    if (!ready_.empty()) return ready_[random_.Below(ready_.size())];
    if (next == absl::InfiniteFuture()) return nullptr;
    now_ = next;
  }
}

void World::Run() {
  Actor* last = nullptr;
  while (!actors_.empty()) {
    const bool stay = last != nullptr && random_.Below(16) < pace_.stay &&
                      Ready(*last) && now_ >= last->frozen_until;
    Actor* const next = stay ? last : Pick();
    if (next == nullptr || ++steps_ > kMostSteps) {
      std::string waiting;
      for (const auto& actor : actors_) {
        absl::StrAppend(&waiting, " ", actor->process->name(), "/",
                        actor->name);
      }
      Violation(absl::StrCat(
          next == nullptr ? "nobody can go on:" : "it does not come to an end:",
          waiting));
      Unwind();
      break;
    }
    now_ += absl::Microseconds(random_.Below(kStepMicroseconds));
    Switch(*next);
    last = next;
    if (std::exchange(some_ended_, false)) {
      std::erase_if(actors_, [](const auto& a) { return a->fiber->ended(); });
      last = nullptr;
    }
  }
  actors_.clear();
}

void World::Step() {
  if (!may_go_on()) return;
  Process& process = *current_->process;
  if (process.mortal && current_->may_throw() &&
      random_.OneIn(pace_.die_one_in)) {
    Kill(&process);
  }
  if (random_.OneIn(pace_.freeze_one_in)) {
    current_->frozen_until = now_ + pace_.longest_freeze * random_.Fraction();
  }
  Suspend();
}

void World::Pause(absl::Duration duration) {
  static const std::function<bool()>& never =
      *new std::function<bool()>([] { return false; });
  WaitFor(never, now_ + duration);
}

bool World::WaitFor(const std::function<bool()>& condition,
                    absl::Time deadline) {
  if (condition()) return true;
  if (!may_go_on()) return false;
  current_->condition = &condition;
  current_->deadline = deadline;
  Suspend();
  return condition();
}

void World::Mix(std::string_view text) {
  for (const char c : text) {
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
}

void World::Note(std::initializer_list<std::string_view> pieces) {
  if (current_ != nullptr) {
    Mix(current_->process->name());
    Mix(current_->name);
  }
  for (const std::string_view piece : pieces) Mix(piece);
  hash_ ^= static_cast<std::uint64_t>(absl::ToUnixMicros(now_));
  if (!keep_trace_) return;
  std::string line = absl::StrCat(
      absl::FormatTime("%M:%E6S", now_, absl::UTCTimeZone()), " ",
      current_ == nullptr
          ? "world"
          : absl::StrCat(current_->process->name(), "/", current_->name),
      ": ");
  for (const std::string_view piece : pieces) {
    absl::StrAppend(&line, ToAbsl(piece));
  }
  trace_.push_back(std::move(line));
}

void World::Violation(std::string what) {
  Note({"VIOLATION ", what});
  violations_.push_back(std::move(what));
}

}  // namespace shard::testing
