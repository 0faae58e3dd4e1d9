// Work on several databases at the same time, from one thread.
#ifndef SHARD_SESSION_FAN_OUT_H_
#define SHARD_SESSION_FAN_OUT_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/dialects/connection.h"

namespace shard {

// A piece of work on one connection. `start` sends it, `finish` waits for the
// answer and uses it; what they return is the task's status.
struct FanOutTask {
  Connection* connection;
  std::function<absl::Status()> start;
  std::function<absl::Status()> finish;
  absl::Status status;  // filled in
};

// Runs all tasks and waits for all of them. Returns the first error in the
// order of the tasks; each task has its own. Tasks of one connection take turns
// in their order; behind one that failed they are not started (kAborted).
//
// Servers work side by side: every task is started before the first is waited
// for. An embedded database works in `finish` itself: those tasks run one after
// the other in this thread, which is fastest while they are short; once they
// turn out long, other threads take those that have not begun. So the `finish`
// of a task may run in another thread, and must touch nothing that another's
// touches.
absl::Status FanOut(absl::Span<FanOutTask> tasks);

}  // namespace shard

#endif  // SHARD_SESSION_FAN_OUT_H_
