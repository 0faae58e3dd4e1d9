// A few threads for work that embedded databases do in the caller's thread.
#ifndef SHARD_SESSION_WORKER_POOL_H_
#define SHARD_SESSION_WORKER_POOL_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace shard {

// As many threads as the machine has cores, less the caller's own, and at least
// one. Thread-safe.
class WorkerPool {
 public:
  // The one of this process; made on first use, never destroyed.
  static WorkerPool& Shared();

  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  std::size_t size() const { return threads_.size(); }
  void Run(std::function<void()> job);

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace shard

#endif  // SHARD_SESSION_WORKER_POOL_H_
