// What was done to the files of a folder, and what an outage leaves of it.
#ifndef SHARD_TESTS_SUPPORT_DISK_TRACE_H_
#define SHARD_TESTS_SUPPORT_DISK_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shard/tests/support/folder_contents.h"

namespace shard::testing {

// One change, or a sync.
struct DiskEvent {
  enum Kind { kCreate, kWrite, kTruncate, kSync, kDelete };
  Kind kind;
  // A name that is created again is another file.
  std::size_t file;
  std::string name;
  std::size_t offset = 0;  // of a write; the new size of one truncated
  std::string data = {};   // of a write
  // The names in the folder are durable behind it too, not the file alone.
  bool syncs_folder = false;

  // "write 1.db-wal 4120+24".
  std::string ToString() const;
};

// The end of everything right before an event (counted from 0), or behind the
// last, where `before_event` is their number.
struct Outage {
  enum Kind {
    // Of the process alone: what was written is there.
    kProcessDeath,
    // Of the machine: what was written and not synced may be lost.
    kPowerLoss,
  };
  Kind kind = kProcessDeath;
  std::size_t before_event = 0;
  // What is lost. 0: all that may be. 1: nothing. Others: a random part, the
  // same each time.
  std::uint64_t seed = 0;
};

// What became of the unsynced events in power losses.
struct Losses {
  std::size_t kept = 0;
  std::size_t dropped = 0;
  std::size_t torn = 0;    // writes that are there in their first sectors only
  std::size_t zeroed = 0;  // the file has become longer, by zeros

  Losses& operator+=(const Losses& other);
};

// The history of a folder since a moment at which all was durable. One run's
// trace yields what any outage in the run would have left, so that a run needs
// not be repeated for each. The model of a power loss:
//
// - an unsynced write, or change of size, is there, is not, or is in part (its
//   first sectors of 512 bytes), each for itself: a later one may be there
//   where an earlier one is not. Bytes outside it never change.
// - a file that was created or deleted has any of the names' states since the
//   folder was last synced, whether it was synced itself or not.
//
// A plain value; not thread-safe.
class DiskTrace {
 public:
  DiskTrace() = default;
  explicit DiskTrace(const FolderContents& durable);

  // The number of the file that has the name now.
  std::optional<std::size_t> Find(std::string_view name) const;
  // Adds an event. Files are those of Create and Find; a name that Delete
  // removes must be there, and the file may be used further.
  std::size_t Create(const std::string& name);
  void Write(std::size_t file, std::size_t offset, std::string_view data);
  void Truncate(std::size_t file, std::size_t size);
  void Sync(std::size_t file, bool syncs_folder);
  void Delete(const std::string& name, bool syncs_folder);

  const std::vector<DiskEvent>& events() const { return events_; }
  // What the run itself sees.
  FolderContents Now() const;
  // What recovery finds. Adds what was lost to `losses`, if it is there.
  FolderContents After(const Outage& outage, Losses* losses = nullptr) const;

  // The same as if nothing had happened since. With a run that goes on from
  // there it is the history of a process that died and of the next one: what
  // was not synced by the first may still be lost in the second's time.
  DiskTrace Until(std::size_t event) const;
  // From now on all that happened is durable: no events any more.
  void Restart();

 private:
  struct File {
    std::string name;      // that it was created under
    std::string contents;  // at the beginning
  };
  struct Replay;

  std::vector<File> files_;  // by number
  // Of the names at the beginning, and now.
  std::map<std::string, std::size_t> durable_names_;
  std::map<std::string, std::size_t> names_;
  std::vector<DiskEvent> events_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SUPPORT_DISK_TRACE_H_
