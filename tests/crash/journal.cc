#include "shard/tests/crash/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <ios>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"

namespace shard::bank {
namespace {

constexpr Outcome kOutcomes[] = {Outcome::kCommitted, Outcome::kPending,
                                 Outcome::kAborted, Outcome::kInDoubt,
                                 Outcome::kUnknown};

// What one line says of one transfer.
struct Line {
  std::string transfer;
  Outcome outcome = Outcome::kUnknown;
};

absl::StatusOr<Line> ReadLine(const std::string& line) {
  const std::size_t space = line.find(' ');
  if (space != line.npos) {
    for (const Outcome outcome : kOutcomes) {
      if (line.substr(space + 1) != OutcomeName(outcome)) continue;
      return Line{line.substr(0, space), outcome};
    }
  }
  return absl::DataLossError(absl::StrCat("bad line in a journal: ", line));
}

// Calls `take` with each whole line from byte `*begin` on, which then is the
// end of the last one.
template <class Take>
absl::Status ReadFile(const std::string& path, std::size_t* begin,
                      const Take& take) {
  std::ifstream file(path);
  file.seekg(static_cast<std::streamoff>(*begin));
  std::string text;
  while (std::getline(file, text) && !file.eof()) {
    SHARD_ASSIGN_OR_RETURN(Line line, ReadLine(text));
    take(std::move(line));
    *begin += text.size() + 1;
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
  while (true) {
    // One write, so that lines of several threads do not mix.
    const ssize_t written = write(file_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) return absl::OkStatus();
    if (written >= 0 || (errno != EFBIG && errno != ENOSPC)) {
      return absl::ErrnoToStatus(errno, "cannot write the journal");
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
}

absl::StatusOr<std::map<Outcome, std::size_t>> JournalCounts::Update() {
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string path = entry.path().string();
    std::size_t& read = read_[path];
    if (entry.file_size() == read) continue;
    SHARD_RETURN_IF_ERROR(
        ReadFile(path, &read, [&](Line line) { ++counts_[line.outcome]; }));
  }
  return counts_;
}

absl::StatusOr<Told> ReadJournals(const std::string& folder) {
  Told told;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::size_t begin = 0;
    SHARD_RETURN_IF_ERROR(
        ReadFile(entry.path().string(), &begin, [&](Line line) {
          told[std::move(line.transfer)].insert(line.outcome);
        }));
  }
  return told;
}

}  // namespace shard::bank
