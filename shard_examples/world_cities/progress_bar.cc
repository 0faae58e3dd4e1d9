#include "shard_examples/world_cities/progress_bar.h"

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace world_cities {
namespace {
constexpr std::size_t kWidth = 40;
}  // namespace

ProgressBar::ProgressBar(std::string what, std::size_t total)
    : what_(std::move(what)),
      total_(total),
      on_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (on_terminal_) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::Show(std::size_t done) {
  if (!on_terminal_ || total_ == 0) return;
  const std::size_t full = done * kWidth / total_;
  std::fprintf(stderr, "\r%s [%s%s] %3zu %%", what_.c_str(),
               std::string(full, '#').c_str(),
               std::string(kWidth - full, '.').c_str(), done * 100 / total_);
}

}  // namespace world_cities
