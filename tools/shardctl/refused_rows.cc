#include "shard/tools/shardctl/refused_rows.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {

absl::Status RefusedRows::OpenFile(const std::string& path) {
  path_ = path;
  file_.open(path, std::ios::app);
  if (!file_) {
    return absl::FailedPreconditionError(
        absl::StrCat("file '", path, "' for refused rows cannot be written: ",
                     std::strerror(errno), "; nothing was loaded"));
  }
  if (file_.tellp() == 0) file_ << "line,reason\n";
  return absl::OkStatus();
}

void RefusedRows::Add(const std::string& line, const std::string& reason) {
  ++count_;
  if (first_.size() < kKept) first_.push_back({line, reason});
  if (!file_.is_open()) return;
  file_ << line << ",\""
        << absl::StrReplaceAll(OneLine(reason), {{"\"", "\"\""}}) << "\"\n";
}

absl::Status RefusedRows::CloseFile() {
  if (!file_.is_open()) return absl::OkStatus();
  file_.close();
  if (file_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "file '", path_, "' lacks refused rows: ", std::strerror(errno),
      "; the rest was loaded"));
}

}  // namespace shard::shardctl
