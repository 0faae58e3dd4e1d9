#include "shard/tools/shardctl/stop_signal.h"

#include <csignal>

namespace shard::shardctl {
namespace {

volatile std::sig_atomic_t stop_caught = 0;

void SetHandlers(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void Remember(int) {
  stop_caught = 1;
  SetHandlers(SIG_DFL, 0);
}

}  // namespace

StopSignal::StopSignal() {
  stop_caught = 0;
  SetHandlers(&Remember, SA_RESTART);
}

StopSignal::~StopSignal() { SetHandlers(SIG_DFL, 0); }

bool StopSignal::caught() const { return stop_caught != 0; }

}  // namespace shard::shardctl
