// Ending cleanly when somebody asks for it.
#ifndef SHARD_TOOLS_SHARDCTL_STOP_SIGNAL_H_
#define SHARD_TOOLS_SHARDCTL_STOP_SIGNAL_H_

namespace shard::shardctl {

// As long as it lives the first SIGINT or SIGTERM is only remembered; the next
// one ends the program as it always does. One at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool caught() const;
};

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_STOP_SIGNAL_H_
