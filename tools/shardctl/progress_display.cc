#include "shard/tools/shardctl/progress_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

constexpr absl::Duration kBetweenBars = absl::Milliseconds(100);
constexpr absl::Duration kBetweenLines = absl::Seconds(5);

// Asked for each time: people change the size of their windows.
std::size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

// One that can draw a line again.
bool StdoutCanRedraw() {
  const char* const term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 &&
         (term == nullptr || std::string_view(term) != "dumb");
}

}  // namespace

ProgressDisplay::ProgressDisplay(bool json)
    : on_terminal_(!json && StdoutCanRedraw()),
      next_(on_terminal_ ? absl::InfinitePast() : absl::Now() + kBetweenLines) {
}

void ProgressDisplay::Show(const WorkDone& done) {
  const absl::Time now = absl::Now();
  if (now < next_) return;
  next_ = now + (on_terminal_ ? kBetweenBars : kBetweenLines);
  if (!on_terminal_) {
    std::cerr << "shardctl: " << ProgressText(done) << std::endl;
    return;
  }
  // Not the last column: some terminals go to the next line behind it.
  std::cout << '\r' << BarText(done, TerminalWidth() - 1, StdoutHasColors())
            << "\x1b[K" << std::flush;
  drawn_ = true;
}

void ProgressDisplay::Erase() {
  if (!drawn_) return;
  std::cout << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace shard::shardctl
