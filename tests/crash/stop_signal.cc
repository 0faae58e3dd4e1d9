#include "shard/tests/crash/stop_signal.h"

#include <signal.h>

namespace shard::bank {

StopSignal::StopSignal() {
  struct sigaction action = {};
  action.sa_handler = &Note;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaction(number, &action, nullptr);
  }
}

}  // namespace shard::bank
