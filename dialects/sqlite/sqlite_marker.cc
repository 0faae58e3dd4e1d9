#include "shard/dialects/sqlite/sqlite_marker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "shard/base/failpoint.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

constexpr std::string_view kFormat = "shard-marker 1";

// All of the text or nothing: what a process that died has left is not parsed.
FollowMarker Parse(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  // The last line is the nothing behind the last newline.
  if (lines.size() != 4 || lines[0] != kFormat || !lines[3].empty()) return {};
  return {lines[1], lines[2]};
}

int OpenRetrying(const char* path, int flags) {
  int file = -1;
  do {
    file = open(path, flags | O_CLOEXEC, 0644);
  } while (file < 0 && errno == EINTR);
  return file;
}

// 0, or what errno says.
int WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

SqliteMarker::SqliteMarker(const std::string& database_path)
    : path_(database_path.empty() ? ""
                                  : absl::StrCat(database_path, "-shard")) {}

bool SqliteMarker::exists() const {
  return !path_.empty() && (access(path_.c_str(), F_OK) == 0 ||
                            errno != ENOENT);  // else Read says why
}

absl::StatusOr<std::optional<FollowMarker>> SqliteMarker::Read() const {
  if (path_.empty()) return std::nullopt;
  const int file = OpenRetrying(path_.c_str(), O_RDONLY);
  if (file < 0 && errno == ENOENT) return std::nullopt;
  if (file < 0) return Error(errno, "cannot be read");
  const absl::Cleanup close_file = [file] { close(file); };
  std::string text;
  char buffer[512];
  while (true) {
    const ssize_t size = read(file, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error(errno, "cannot be read");
    if (size == 0) return Parse(text);
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

absl::Status SqliteMarker::Write(const FollowMarker& marker) const {
  const int file = OpenRetrying(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
  if (file < 0) return Error(errno, "cannot be written");
  FailPoint("marker.created");
  int error = WriteAll(file, absl::StrCat(ToAbsl(kFormat), "\n", marker.txn,
                                          "\n", marker.participants, "\n"));
  if (close(file) != 0 && error == 0) error = errno;
  if (error == 0) return absl::OkStatus();
  return Error(error, "cannot be written");
}

absl::Status SqliteMarker::Remove() const {
  if (path_.empty() || unlink(path_.c_str()) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  return Error(errno, "cannot be removed");
}

absl::Status SqliteMarker::Error(int error, std::string_view what) const {
  const std::string message = absl::StrCat(
      "the marker '", path_, "' ", ToAbsl(what), ": ", std::strerror(error),
      "; whoever uses the database must be "
      "able to write files beside it");
  return error == ENOSPC || error == EDQUOT
             ? absl::ResourceExhaustedError(message)
             : absl::UnavailableError(message);
}

}  // namespace shard
