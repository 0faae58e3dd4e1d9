// A bar that grows while something loads.
#ifndef SHARD_EXAMPLES_WORLD_CITIES_PROGRESS_BAR_H_
#define SHARD_EXAMPLES_WORLD_CITIES_PROGRESS_BAR_H_

#include <cstddef>
#include <string>

namespace world_cities {

// Draws on the terminal's standard error; nothing where that is no terminal.
// Erases itself when destroyed.
class ProgressBar {
 public:
  ProgressBar(std::string what, std::size_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Show(std::size_t done);

 private:
  const std::string what_;
  const std::size_t total_;
  const bool on_terminal_;
};

}  // namespace world_cities

#endif  // SHARD_EXAMPLES_WORLD_CITIES_PROGRESS_BAR_H_
