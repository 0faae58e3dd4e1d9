#include "shard/tests/crash/disk_room.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace shard::bank {
namespace {

constexpr absl::Duration kSync = absl::Microseconds(200);

// A file system like the default one, but for its files' disks.
class RoomyFiles {
 public:
  static void Install() {
    original_ = sqlite3_vfs_find(nullptr);
    files_ = *original_;
    files_.pNext = nullptr;
    files_.zName = "disk-rooms";
    files_.szOsFile += static_cast<int>(sizeof(Extra));
    files_.xOpen = &Open;
    sqlite3_vfs_register(&files_, /*makeDflt=*/1);
  }

 private:
  // Lies behind what the original keeps of a file.
  struct Extra {
    sqlite3_io_methods methods;  // the original's, but for writing
    const sqlite3_io_methods* original;
    DiskRoom* room;
  };
  static Extra& ExtraOf(sqlite3_file* file) {
    return *reinterpret_cast<Extra*>(reinterpret_cast<char*>(file) +
                                     original_->szOsFile);
  }

  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags,
                  int* out) {
    const int result = original_->xOpen(original_, name, file, flags, out);
    constexpr int kWithRoom = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL;
    if (result != SQLITE_OK || (flags & kWithRoom) == 0 || name == nullptr) {
      return result;
    }
    DiskRoom* const room = Find(name);
    if (room == nullptr) return result;
    Extra& extra = ExtraOf(file);
    extra = {*file->pMethods, file->pMethods, room};
    extra.methods.xWrite = &Write;
    extra.methods.xSync = &Sync;
    file->pMethods = &extra.methods;
    return result;
  }

  static int Write(sqlite3_file* file, const void* bytes, int count,
                   sqlite3_int64 offset) {
    const Extra& extra = ExtraOf(file);
    if (!extra.room->TakeOne()) return SQLITE_FULL;
    return extra.original->xWrite(file, bytes, count, offset);
  }

  static int Sync(sqlite3_file*, int) {
    absl::SleepFor(kSync);
    return SQLITE_OK;
  }

  // Rooms stay open as long as the process.
  static DiskRoom* Find(std::string_view name) {
    constexpr std::string_view kLog = "-wal";
    if (name.ends_with(kLog)) name.remove_suffix(kLog.size());
    static std::mutex mutex;
    static auto& rooms = *new std::map<std::string, std::unique_ptr<DiskRoom>>;
    const std::lock_guard lock(mutex);
    auto& room = rooms[std::string(name)];
    if (room == nullptr) {
      auto opened = DiskRoom::Open(std::string(name), /*make=*/false);
      if (opened.ok()) room = *std::move(opened);
    }
    return room.get();
  }

  static inline sqlite3_vfs* original_ = nullptr;
  static inline sqlite3_vfs files_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DiskRoom>> DiskRoom::Open(
    const std::string& database, bool make) {
  const std::string path = absl::StrCat(database, kSuffix);
  const int flags = O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0);
  const int file = open(path.c_str(), flags, 0600);
  if (file < 0) return absl::ErrnoToStatus(errno, path);
  void* memory = MAP_FAILED;
  if (!make || ftruncate(file, sizeof(Counter)) == 0) {
    memory = mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED,
                  file, 0);
  }
  const int error = errno;
  close(file);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(error, path);
  auto* const counter =
      make ? new (memory) Counter(kEndless) : static_cast<Counter*>(memory);
  return std::unique_ptr<DiskRoom>(new DiskRoom(counter));
}

DiskRoom::~DiskRoom() { munmap(left_, sizeof(Counter)); }

void UseDiskRooms() { RoomyFiles::Install(); }

}  // namespace shard::bank
