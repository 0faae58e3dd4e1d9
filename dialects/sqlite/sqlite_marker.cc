#include "shard/dialects/sqlite/sqlite_marker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "shard/base/failpoint.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

constexpr std::string_view kFormat = "shard-marker 2";

std::string Seal(std::string_view lines) {
  return absl::StrFormat("%016x", XXH3_64bits(lines.data(), lines.size()));
}

std::string Format(const FollowMarker& marker) {
  std::string text = absl::StrCat(ToAbsl(kFormat), "\n", marker.txn, "\n",
                                  marker.participants, "\n");
  absl::StrAppend(&text, Seal(text), "\n");
  return text;
}

// All of the text or nothing: what a process that died has left is not parsed.
// Behind it may be the end of a longer one.
FollowMarker Parse(std::string_view text) {
  const std::vector<absl::string_view> lines =
      absl::StrSplit(ToAbsl(text), absl::MaxSplits('\n', 4));
  if (lines.size() != 5 || lines[0] != ToAbsl(kFormat)) return {};
  const std::string_view sealed =
      text.substr(0, lines[0].size() + lines[1].size() + lines[2].size() + 3);
  if (lines[3] != Seal(sealed)) return {};
  return {std::string(lines[1]), std::string(lines[2])};
}

int OpenRetrying(const char* path, int flags) {
  int file = -1;
  do {
    file = open(path, flags | O_CLOEXEC, 0644);
  } while (file < 0 && errno == EINTR);
  return file;
}

// 0, or what errno says.
int ReadAll(int file, std::string* text) {
  char buffer[512];
  while (true) {
    const ssize_t size =
        pread(file, buffer, sizeof(buffer), static_cast<off_t>(text->size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    text->append(buffer, static_cast<std::size_t>(size));
    if (size == 0) return 0;
  }
}

int WriteAll(int file, std::string_view text) {
  off_t at = 0;
  while (!text.empty()) {
    const ssize_t written = pwrite(file, text.data(), text.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return 0;
}

}  // namespace

SqliteMarker::SqliteMarker(const std::string& database_path)
    : database_path_(database_path),
      path_(database_path.empty() ? ""
                                  : absl::StrCat(database_path, "-shard")) {}

SqliteMarker::~SqliteMarker() { Close(); }

void SqliteMarker::Close() {
  if (file_ >= 0) close(std::exchange(file_, -1));
}

bool SqliteMarker::exists() const {
  return !path_.empty() && (access(path_.c_str(), F_OK) == 0 ||
                            errno != ENOENT);  // else Read says why
}

bool SqliteMarker::HoldsCurrentFile() const {
  struct stat held, named;
  return file_ >= 0 && stat(path_.c_str(), &named) == 0 &&
         fstat(file_, &held) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

absl::StatusOr<std::optional<FollowMarker>> SqliteMarker::Read() const {
  if (path_.empty()) return std::nullopt;
  std::string text;
  int error = 0;
  if (HoldsCurrentFile()) {
    error = ReadAll(file_, &text);
  } else {
    const int file = OpenRetrying(path_.c_str(), O_RDONLY);
    if (file < 0 && errno == ENOENT) return std::nullopt;
    if (file < 0) return Error(errno, "cannot be read");
    error = ReadAll(file, &text);
    close(file);
  }
  if (error != 0) return Error(error, "cannot be read");
  return Parse(text);
}

absl::Status SqliteMarker::Write(const FollowMarker& marker) {
  if (!HoldsCurrentFile()) {
    Close();
    file_ = OpenOrMake();
    if (file_ < 0) return Error(errno, "cannot be written");
  }
  FailPoint("marker.created");
  const int error = WriteAll(file_, Format(marker));
  if (error == 0) return absl::OkStatus();
  // Half of one would send every writer to all peers.
  unlink(path_.c_str());
  Close();
  return Error(error, "cannot be written");
}

// Whoever may write the database may write what lies beside it, as SQLite has
// it with its own files. Negative: errno says why.
int SqliteMarker::OpenOrMake() const {
  const int there = OpenRetrying(path_.c_str(), O_RDWR);
  if (there >= 0 || errno != ENOENT) return there;
  const int made = OpenRetrying(path_.c_str(), O_RDWR | O_CREAT);
  struct stat database;
  if (made >= 0 && stat(database_path_.c_str(), &database) == 0) {
    // Where it cannot be done, who cannot write it is told so.
    (void)!fchmod(made, database.st_mode & 0777);
    if (geteuid() == 0) {
      (void)!fchown(made, database.st_uid, database.st_gid);
    }
  }
  return made;
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
