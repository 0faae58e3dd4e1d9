// What clients were told of their transfers, in files that outlive them.
#ifndef SHARD_TESTS_CRASH_JOURNAL_H_
#define SHARD_TESTS_CRASH_JOURNAL_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard::bank {

enum class Outcome { kCommitted, kPending, kAborted, kInDoubt, kUnknown };

// "committed", "pending", ...
std::string OutcomeName(Outcome outcome);

// All that was told of each transfer: one in doubt may be resolved later.
using Told = std::map<std::string, std::set<Outcome>>;

// One file, of one life of one client. Thread-safe.
class Journal {
 public:
  static absl::StatusOr<std::unique_ptr<Journal>> Create(
      const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Before the client goes on; waits while the disk is full. The line is then
  // the kernel's: it stays though the client is killed.
  absl::Status Note(const std::string& transfer, Outcome outcome);

 private:
  explicit Journal(int file) : file_(file) {}
  const int file_;
};

// How often which outcome was told so far, in all files of a folder; to be
// asked again and again while clients write.
class JournalCounts {
 public:
  explicit JournalCounts(std::string folder) : folder_(std::move(folder)) {}
  // Reads what is new.
  absl::StatusOr<std::map<Outcome, std::size_t>> Update();

 private:
  const std::string folder_;
  std::map<std::string, std::size_t> read_;  // bytes of each file
  std::map<Outcome, std::size_t> counts_;
};

// Of all files in the folder. A last line that was cut short, since its client
// was killed as it wrote, counts as never told. kDataLoss: another line is bad.
absl::StatusOr<Told> ReadJournals(const std::string& folder);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_JOURNAL_H_
