// Where progress is shown while work goes on.
#ifndef SHARD_TOOLS_SHARDCTL_PROGRESS_DISPLAY_H_
#define SHARD_TOOLS_SHARDCTL_PROGRESS_DISPLAY_H_

#include "absl/time/time.h"
#include "shard/tools/shardctl/progress_bar.h"

namespace shard::shardctl {

// A bar that is drawn again in its place on standard output, where that is a
// terminal; with `json`, or without a terminal, a line on standard error from
// time to time. Erases the bar when destroyed. Not thread-safe.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(bool json);
  ~ProgressDisplay() { Erase(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Shows it, unless something was shown a moment ago.
  void Show(const WorkDone& done);
  // Before anything else is printed.
  void Erase();

 private:
  const bool on_terminal_;
  bool drawn_ = false;
  absl::Time next_;
};

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_PROGRESS_DISPLAY_H_
