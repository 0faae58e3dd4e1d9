// Where a soak keeps everything.
#ifndef SHARD_TESTS_CRASH_SCRATCH_FOLDER_H_
#define SHARD_TESTS_CRASH_SCRATCH_FOLDER_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace shard::bank {

// A new folder that is removed when this object ends, unless it shall be kept.
// Other users may pass through it: servers have a user of their own.
class ScratchFolder {
 public:
  static absl::StatusOr<ScratchFolder> Make(bool keep) {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) /
                        "shardsession_bank.XXXXXX")
                           .string();
    if (mkdtemp(path.data()) == nullptr || chmod(path.c_str(), 0711) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", path));
    }
    if (keep) std::printf("everything is in %s\n", path.c_str());
    return ScratchFolder(std::move(path), keep);
  }
  ScratchFolder(ScratchFolder&& other) noexcept
      : path_(std::exchange(other.path_, "")), keep_(other.keep_) {}
  ~ScratchFolder() {
    if (path_.empty() || keep_) return;
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }

  const std::string& path() const { return path_; }

 private:
  ScratchFolder(std::string path, bool keep)
      : path_(std::move(path)), keep_(keep) {}
  std::string path_;
  bool keep_;
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_SCRATCH_FOLDER_H_
