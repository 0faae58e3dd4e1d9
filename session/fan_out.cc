#include "shard/session/fan_out.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/session/worker_pool.h"

namespace shard {
namespace {

// Waking a thread costs tens of microseconds; below that, help is a hindrance.
constexpr std::chrono::microseconds kPatience(150);

// The tasks of embedded databases, taken by this thread and, if it gets long,
// by others. Shared with them, since a helper may come when all is done.
class EmbeddedTasks : public std::enable_shared_from_this<EmbeddedTasks> {
 public:
  explicit EmbeddedTasks(std::vector<FanOutTask*> tasks)
      : tasks_(std::move(tasks)) {}

  // Runs every task, here and perhaps elsewhere, and waits for the last.
  void Run() {
    begin_ = std::chrono::steady_clock::now();
    while (FanOutTask* task = Take()) {
      const bool may_call_help = !help_called_ && HasMore();
      if (may_call_help) {
        task->connection->set_progress([this] { CallHelpIfLong(); });
      }
      RunOne(*task);
      if (may_call_help) task->connection->set_progress(nullptr);
      if (HasMore()) CallHelpIfLong();
    }
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return done_ == tasks_.size(); });
  }

 private:
  FanOutTask* Take() {
    const std::size_t index = next_.fetch_add(1);
    return index < tasks_.size() ? tasks_[index] : nullptr;
  }
  bool HasMore() const { return next_.load() < tasks_.size(); }

  void RunOne(FanOutTask& task) {
    task.status = task.finish();
    const std::lock_guard lock(mutex_);
    if (++done_ == tasks_.size()) all_done_.notify_all();
  }

  // In this thread, between tasks or inside one.
  void CallHelpIfLong() {
    if (help_called_ || std::chrono::steady_clock::now() - begin_ < kPatience) {
      return;
    }
    help_called_ = true;
    WorkerPool& pool = WorkerPool::Shared();
    const std::size_t waiting =
        tasks_.size() - std::min(next_.load(), tasks_.size());
    for (std::size_t i = 0; i < std::min(waiting, pool.size()); ++i) {
      pool.Run([self = shared_from_this()] {
        while (FanOutTask* task = self->Take()) self->RunOne(*task);
      });
    }
  }

  const std::vector<FanOutTask*> tasks_;
  std::atomic<std::size_t> next_ = 0;
  std::chrono::steady_clock::time_point begin_;
  bool help_called_ = false;  // this thread's alone
  std::mutex mutex_;
  std::condition_variable all_done_;
  std::size_t done_ = 0;  // guarded by mutex_
};

bool AdvanceAll(absl::Span<FanOutTask* const> tasks) {
  bool more = false;
  for (FanOutTask* task : tasks) more |= task->connection->Advance();
  return more;
}

// Servers that have to be fed are, while another is waited for.
void FinishRemote(absl::Span<FanOutTask* const> tasks) {
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto later = tasks.subspan(i + 1);
    const bool feeds = AdvanceAll(later);
    Connection* const connection = tasks[i]->connection;
    if (feeds) connection->set_progress([later] { AdvanceAll(later); });
    tasks[i]->status = tasks[i]->finish();
    if (feeds) connection->set_progress(nullptr);
  }
}

// Tasks of different connections.
void RunSideBySide(absl::Span<FanOutTask* const> tasks) {
  std::vector<FanOutTask*> embedded, remote;
  for (FanOutTask* task : tasks) {
    task->status = task->start();
    if (!task->status.ok()) continue;
    (task->connection->works_in_finish() ? embedded : remote).push_back(task);
  }
  if (embedded.size() == 1) {
    embedded.front()->status = embedded.front()->finish();
  } else if (!embedded.empty()) {
    std::make_shared<EmbeddedTasks>(std::move(embedded))->Run();
  }
  FinishRemote(remote);
}

using Tasks = absl::InlinedVector<FanOutTask*, 8>;

// Takes out of `waiting`, in order, the first task of each connection. Behind
// one that failed there is nothing to be done on a connection any more.
Tasks TakeRound(Tasks& waiting, std::vector<Connection*>& failed) {
  Tasks round, later;
  absl::flat_hash_set<Connection*> taken;
  for (FanOutTask* task : waiting) {
    if (std::find(failed.begin(), failed.end(), task->connection) !=
        failed.end()) {
      task->status = absl::AbortedError(
          "not done, since what came before it in the same database failed");
    } else {
      (taken.insert(task->connection).second ? round : later).push_back(task);
    }
  }
  waiting = std::move(later);
  return round;
}

bool HasDistinctConnections(const Tasks& tasks) {
  absl::InlinedVector<Connection*, 8> connections;
  for (const FanOutTask* task : tasks) connections.push_back(task->connection);
  std::sort(connections.begin(), connections.end());
  return std::adjacent_find(connections.begin(), connections.end()) ==
         connections.end();
}

}  // namespace

absl::Status FanOut(absl::Span<FanOutTask> tasks) {
  Tasks waiting;
  for (FanOutTask& task : tasks) waiting.push_back(&task);
  if (HasDistinctConnections(waiting)) {
    RunSideBySide(waiting);
  } else {
    std::vector<Connection*> failed;
    while (!waiting.empty()) {
      const Tasks round = TakeRound(waiting, failed);
      RunSideBySide(round);
      for (const FanOutTask* task : round) {
        if (!task->status.ok()) failed.push_back(task->connection);
      }
    }
  }
  for (const FanOutTask& task : tasks) {
    if (!task.status.ok()) return task.status;
  }
  return absl::OkStatus();
}

}  // namespace shard
