#include "shard/tests/crash/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard::bank {
namespace {

constexpr Outcome kOutcomes[] = {Outcome::kCommitted, Outcome::kPending,
                                 Outcome::kAborted, Outcome::kInDoubt,
                                 Outcome::kUnknown};

absl::Status ReadLine(const std::string& line, Told& told) {
  const std::size_t space = line.find(' ');
  if (space != line.npos) {
    for (const Outcome outcome : kOutcomes) {
      if (line.substr(space + 1) != OutcomeName(outcome)) continue;
      told[line.substr(0, space)].insert(outcome);
      return absl::OkStatus();
    }
  }
  return absl::DataLossError(absl::StrCat("bad line in a journal: ", line));
}

absl::Status ReadFile(const std::string& path, Told& told) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != text.npos;
       end = text.find('\n', begin)) {
    SHARD_RETURN_IF_ERROR(ReadLine(text.substr(begin, end - begin), told));
    begin = end + 1;
  }
  return absl::OkStatus();
}

}  // namespace

std::string OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCommitted:
      return "committed";
    case Outcome::kPending:
      return "pending";
    case Outcome::kAborted:
      return "aborted";
    case Outcome::kInDoubt:
      return "in-doubt";
    case Outcome::kUnknown:
      break;
  }
  return "unknown";
}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Create(
    const std::string& path) {
  const int file = open(
      path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", path));
  }
  return std::unique_ptr<Journal>(new Journal(file));
}

Journal::~Journal() { close(file_); }

absl::Status Journal::Note(const std::string& transfer, Outcome outcome) {
  const std::string line =
      absl::StrCat(transfer, " ", OutcomeName(outcome), "\n");
  // One write, so that lines of several threads do not mix.
  if (write(file_, line.data(), line.size()) ==
      static_cast<ssize_t>(line.size())) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "cannot write the journal");
}

absl::StatusOr<Told> ReadJournals(const std::string& folder) {
  Told told;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SHARD_RETURN_IF_ERROR(ReadFile(entry.path().string(), told));
  }
  return told;
}

}  // namespace shard::bank
