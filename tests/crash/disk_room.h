// Disks under SQLite files, fast ones, that fill up.
#ifndef SHARD_TESTS_CRASH_DISK_ROOM_H_
#define SHARD_TESTS_CRASH_DISK_ROOM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace shard::bank {

// What is left on the disk of one SQLite file, counted in writes to it and to
// its log; shared by all processes, through a file beside it. Thread-safe.
class DiskRoom {
 public:
  static constexpr char kSuffix[] = ".room";

  // Makes that file, with a disk that is never full, if `make`; else kNotFound
  // where there is none.
  static absl::StatusOr<std::unique_ptr<DiskRoom>> Open(
      const std::string& database, bool make);
  ~DiskRoom();
  DiskRoom(const DiskRoom&) = delete;
  DiskRoom& operator=(const DiskRoom&) = delete;

  // So many writes more, of whatever process, then none.
  void FillUpAfter(std::int64_t writes) { *left_ = writes; }
  void Clear() { *left_ = kEndless; }
  // What a write does first. False: there is no room for it.
  bool TakeOne() { return left_->fetch_sub(1) > 0; }

 private:
  using Counter = std::atomic<std::int64_t>;
  static_assert(Counter::is_always_lock_free);
  static constexpr std::int64_t kEndless = INT64_MAX / 2;

  explicit DiskRoom(Counter* left) : left_(left) {}
  Counter* const left_;
};

// From now on all files that SQLite opens in this process have the disk that
// DiskRoom tells of, if there is one: writing to a full one is SQLITE_FULL. A
// sync takes as long as it does on a fast disk, and does nothing: only
// processes die here, and what one of them wrote stays in the system's cache.
void UseDiskRooms();

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_DISK_ROOM_H_
