// A file system for SQLite that knows what a loss of power would leave.
#ifndef SHARD_TESTS_SUPPORT_POWER_LOSS_VFS_H_
#define SHARD_TESTS_SUPPORT_POWER_LOSS_VFS_H_

#include <sqlite3.h>

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/folder_contents.h"

namespace shard::testing {

// SQLite's default VFS while it lives, for all connections opened since. Passes
// everything on to the one before, locks and shared memory too, and records
// what is done to the files of one folder (not to others). Only syncs are not
// passed on: they are believed.
//
//   PowerLossVfs disk(folder);
//   ... open databases in the folder ...
//   disk.Start();
//   ... work; told.push_back(disk.events()); work; close all databases ...
//   const DiskTrace trace = disk.trace();
//   for (std::size_t event = 0; event <= trace.events().size(); ++event) {
//     disk.Restore(trace.After({Outage::kPowerLoss, event, seed}));
//     ... open and recover; what was told by then must be there ...
//   }
//
// Files that are written past SQLite take part: they are looked at before each
// event, and whenever events() is asked. How they came to be as they are then
// is not known; it is taken for a new or emptied file, then one write. They are
// never synced.
//
// Thread-safe, but for Restore, Resume and the two ends. One at a time.
class PowerLossVfs {
 public:
  // The folder is made if need be. Nobody may have a file in it open. Throws
  // std::runtime_error when that fails.
  explicit PowerLossVfs(const std::string& folder);
  // All databases must be closed.
  ~PowerLossVfs();
  PowerLossVfs(const PowerLossVfs&) = delete;
  PowerLossVfs& operator=(const PowerLossVfs&) = delete;

  const std::string& folder() const { return folder_; }

  // Events are counted from 0 from now on, and all before is durable. Forgets
  // fault and action.
  void Start();
  // Makes the folder's files these, and starts. Close all databases first.
  void Restore(const FolderContents& contents) { Resume(DiskTrace(contents)); }
  // Makes the files what they were at the end of that trace and goes on with
  // it, as a process does after the death of another. Close all databases
  // first. Forgets fault and action.
  void Resume(DiskTrace trace);

  // How many there have been since the start.
  std::size_t events();
  DiskTrace trace();

  // Operations fail that would be that event, or a later one; the first alone,
  // or all from there on. They are no events then, but half of a write that
  // fails reaches the file all the same, and is one.
  struct Fault {
    enum Kind {
      kDiskFull,  // of writes, and where a file is created
      kIoError,   // of all
    };
    Kind kind = kIoError;
    std::size_t event = 0;
    bool for_good = false;
  };
  void SetFault(const Fault& fault);
  void ClearFault();
  // Since it was set.
  std::size_t operations_failed();

  // Runs once, right before that event: in the thread that would do it, while
  // all others wait; it must not use SQLite. The trace may be longer already,
  // by plain files that were seen just now.
  void AtEvent(std::size_t event, std::function<void(const DiskTrace&)> action);

 private:
  struct File;
  struct Methods;
  enum class Operation { kCreate, kWrite, kOther };

  // The name of a recorded file, empty for others.
  std::string NameInFolder(const char* path) const;

  int Open(const char* path, sqlite3_file* file, int flags, int* out);
  int Delete(const char* path, int sync_folder);
  int Write(File& file, const void* data, int size, sqlite3_int64 offset);
  int Truncate(File& file, sqlite3_int64 size);
  int Sync(File& file);

  // With the lock held. False when the operation shall fail.
  bool BeginEvent(Operation operation);
  void SeePlainFiles();
  void SeePlainFile(const std::string& name, const std::string& contents);

  const std::string folder_;
  sqlite3_vfs* const original_;
  sqlite3_vfs vfs_;

  std::mutex mutex_;
  // The rest is guarded by mutex_.
  DiskTrace trace_;
  std::set<std::string> opened_;              // by SQLite, ever
  std::map<std::string, std::string> plain_;  // other files, as last seen
  std::optional<Fault> fault_;
  std::size_t failed_ = 0;
  std::optional<std::pair<std::size_t, std::function<void(const DiskTrace&)>>>
      action_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SUPPORT_POWER_LOSS_VFS_H_
