// A folder for an example's files, gone when the example is.
#ifndef SHARD_EXAMPLES_PARTITIONING_SCRATCH_FOLDER_H_
#define SHARD_EXAMPLES_PARTITIONING_SCRATCH_FOLDER_H_

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace partitioning {

class ScratchFolder {
 public:
  ScratchFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("partitioning_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace partitioning

#endif  // SHARD_EXAMPLES_PARTITIONING_SCRATCH_FOLDER_H_
