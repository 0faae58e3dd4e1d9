#include "shard/tests/support/power_loss_vfs.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace shard::testing {
namespace {

constexpr char kVfsName[] = "power-loss";

std::string MakeFolder(const std::string& path) {
  std::filesystem::create_directories(path);
  return std::filesystem::canonical(path).string();
}

// Without opening it, which would cost SQLite its locks.
bool Exists(const char* path) {
  struct stat found;
  return stat(path, &found) == 0;
}

}  // namespace

// The original's file stands behind it.
struct PowerLossVfs::File {
  sqlite3_file base;
  PowerLossVfs* disk;
  std::size_t number;  // in the trace
  // The next sync syncs the folder too, as the original does for new logs.
  bool syncs_folder;
  bool recorded;

  static constexpr int size() {
    constexpr int kAlignment = 8;
    return (static_cast<int>(sizeof(File)) + kAlignment - 1) / kAlignment *
           kAlignment;
  }
  static File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  sqlite3_file* real() {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(this) +
                                           size());
  }
  const sqlite3_io_methods* methods() { return real()->pMethods; }
};

// What SQLite calls.
struct PowerLossVfs::Methods {
  static PowerLossVfs& Disk(sqlite3_vfs* vfs) {
    return *static_cast<PowerLossVfs*>(vfs->pAppData);
  }
  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file,
                  int flags, int* out) {
    return Disk(vfs).Open(path, file, flags, out);
  }
  static int Delete(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    return Disk(vfs).Delete(path, sync_folder);
  }

  static int Close(sqlite3_file* file) {
    File& self = File::Of(file);
    return self.methods()->xClose(self.real());
  }
  static int Read(sqlite3_file* file, void* data, int size,
                  sqlite3_int64 offset) {
    File& self = File::Of(file);
    return self.methods()->xRead(self.real(), data, size, offset);
  }
  static int Write(sqlite3_file* file, const void* data, int size,
                   sqlite3_int64 offset) {
    File& self = File::Of(file);
    if (self.recorded) return self.disk->Write(self, data, size, offset);
    return self.methods()->xWrite(self.real(), data, size, offset);
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    File& self = File::Of(file);
    if (self.recorded) return self.disk->Truncate(self, size);
    return self.methods()->xTruncate(self.real(), size);
  }
  static int Sync(sqlite3_file* file, int) {
    File& self = File::Of(file);
    return self.recorded ? self.disk->Sync(self) : SQLITE_OK;
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    File& self = File::Of(file);
    return self.methods()->xFileSize(self.real(), size);
  }
  static int Lock(sqlite3_file* file, int level) {
    File& self = File::Of(file);
    return self.methods()->xLock(self.real(), level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    File& self = File::Of(file);
    return self.methods()->xUnlock(self.real(), level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* is_reserved) {
    File& self = File::Of(file);
    return self.methods()->xCheckReservedLock(self.real(), is_reserved);
  }
  static int FileControl(sqlite3_file* file, int operation, void* argument) {
    File& self = File::Of(file);
    return self.methods()->xFileControl(self.real(), operation, argument);
  }
  static int SectorSize(sqlite3_file* file) {
    File& self = File::Of(file);
    return self.methods()->xSectorSize(self.real());
  }
  // No promise but the one that the traces keep.
  static int DeviceCharacteristics(sqlite3_file* file) {
    File& self = File::Of(file);
    return self.methods()->xDeviceCharacteristics(self.real()) &
           SQLITE_IOCAP_POWERSAFE_OVERWRITE;
  }
  static int ShmMap(sqlite3_file* file, int page, int size, int extend,
                    void volatile** memory) {
    File& self = File::Of(file);
    return self.methods()->xShmMap(self.real(), page, size, extend, memory);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    File& self = File::Of(file);
    return self.methods()->xShmLock(self.real(), offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) {
    File& self = File::Of(file);
    self.methods()->xShmBarrier(self.real());
  }
  static int ShmUnmap(sqlite3_file* file, int remove) {
    File& self = File::Of(file);
    return self.methods()->xShmUnmap(self.real(), remove);
  }

  static const sqlite3_io_methods& OfFiles() {
    // Version 2: with shared memory, without mapping files, whose writes would
    // not be seen.
    static constexpr sqlite3_io_methods kMethods = {2,
                                                    &Close,
                                                    &Read,
                                                    &Write,
                                                    &Truncate,
                                                    &Sync,
                                                    &FileSize,
                                                    &Lock,
                                                    &Unlock,
                                                    &CheckReservedLock,
                                                    &FileControl,
                                                    &SectorSize,
                                                    &DeviceCharacteristics,
                                                    &ShmMap,
                                                    &ShmLock,
                                                    &ShmBarrier,
                                                    &ShmUnmap,
                                                    nullptr,
                                                    nullptr};
    return kMethods;
  }
};

PowerLossVfs::PowerLossVfs(const std::string& folder)
    : folder_(MakeFolder(folder)),
      original_(sqlite3_vfs_find(nullptr)),
      vfs_(*original_),
      trace_(ReadFolder(folder_)) {
  vfs_.pNext = nullptr;
  vfs_.zName = kVfsName;
  vfs_.szOsFile = File::size() + original_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = &Methods::Open;
  vfs_.xDelete = &Methods::Delete;
  plain_ = trace_.Now();
  if (sqlite3_vfs_find(kVfsName) != nullptr ||
      sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) {
    throw std::runtime_error("there is a PowerLossVfs already");
  }
}

PowerLossVfs::~PowerLossVfs() { sqlite3_vfs_unregister(&vfs_); }

void PowerLossVfs::Start() {
  const std::lock_guard lock(mutex_);
  SeePlainFiles();
  trace_.Restart();
  fault_.reset();
  action_.reset();
}

void PowerLossVfs::Resume(DiskTrace trace) {
  const std::lock_guard lock(mutex_);
  trace_ = std::move(trace);
  plain_ = trace_.Now();
  ReplaceFolder(folder_, plain_);
  opened_.clear();
  fault_.reset();
  action_.reset();
}

std::size_t PowerLossVfs::events() {
  const std::lock_guard lock(mutex_);
  SeePlainFiles();
  return trace_.events().size();
}

DiskTrace PowerLossVfs::trace() {
  const std::lock_guard lock(mutex_);
  SeePlainFiles();
  return trace_;
}

void PowerLossVfs::SetFault(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  failed_ = 0;
}

void PowerLossVfs::ClearFault() {
  const std::lock_guard lock(mutex_);
  fault_.reset();
}

std::size_t PowerLossVfs::operations_failed() {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void PowerLossVfs::AtEvent(std::size_t event,
                           std::function<void(const DiskTrace&)> action) {
  const std::lock_guard lock(mutex_);
  action_.emplace(event, std::move(action));
}

std::string PowerLossVfs::NameInFolder(const char* path) const {
  if (path == nullptr) return "";
  const std::filesystem::path file(path);
  if (file.parent_path() != folder_) return "";
  return file.filename().string();
}

int PowerLossVfs::Open(const char* path, sqlite3_file* file, int flags,
                       int* out) {
  File& self = *new (file) File{};
  self.disk = this;
  const std::string name =
      (flags & SQLITE_OPEN_DELETEONCLOSE) != 0 ? "" : NameInFolder(path);
  self.recorded = !name.empty();
  const std::lock_guard lock(mutex_);
  const bool creates =
      self.recorded && !Exists(path) && (flags & SQLITE_OPEN_CREATE) != 0;
  if (creates) {
    if (!BeginEvent(Operation::kCreate)) return SQLITE_CANTOPEN;
  } else if (self.recorded) {
    SeePlainFiles();
  }
  const int result = original_->xOpen(original_, path, self.real(), flags, out);
  if (result != SQLITE_OK) return result;
  self.base.pMethods = &Methods::OfFiles();
  if (!self.recorded) return SQLITE_OK;
  opened_.insert(name);
  plain_.erase(name);
  const auto known = trace_.Find(name);
  self.number = known.has_value() ? *known : trace_.Create(name);
  self.syncs_folder = (flags & SQLITE_OPEN_CREATE) != 0 &&
                      (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL |
                                SQLITE_OPEN_SUPER_JOURNAL)) != 0;
  return SQLITE_OK;
}

int PowerLossVfs::Delete(const char* path, int sync_folder) {
  const std::string name = NameInFolder(path);
  if (name.empty() || !Exists(path)) {
    return original_->xDelete(original_, path, 0);
  }
  const std::lock_guard lock(mutex_);
  if (!BeginEvent(Operation::kOther)) return SQLITE_IOERR_DELETE;
  const int result = original_->xDelete(original_, path, 0);
  if (result == SQLITE_OK) {
    plain_.erase(name);
    trace_.Delete(name, sync_folder != 0);
  }
  return result;
}

int PowerLossVfs::Write(File& file, const void* data, int size,
                        sqlite3_int64 offset) {
  const std::lock_guard lock(mutex_);
  const auto write = [&](int bytes) {
    const int result = file.methods()->xWrite(file.real(), data, bytes, offset);
    if (result == SQLITE_OK) {
      trace_.Write(
          file.number, static_cast<std::size_t>(offset),
          {static_cast<const char*>(data), static_cast<std::size_t>(bytes)});
    }
    return result;
  };
  if (BeginEvent(Operation::kWrite)) return write(size);
  if (size > 1) write(size / 2);
  return fault_->kind == Fault::kDiskFull ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int PowerLossVfs::Truncate(File& file, sqlite3_int64 size) {
  const std::lock_guard lock(mutex_);
  if (!BeginEvent(Operation::kOther)) return SQLITE_IOERR_TRUNCATE;
  const int result = file.methods()->xTruncate(file.real(), size);
  if (result == SQLITE_OK) {
    trace_.Truncate(file.number, static_cast<std::size_t>(size));
  }
  return result;
}

int PowerLossVfs::Sync(File& file) {
  const std::lock_guard lock(mutex_);
  if (!BeginEvent(Operation::kOther)) return SQLITE_IOERR_FSYNC;
  trace_.Sync(file.number, std::exchange(file.syncs_folder, false));
  return SQLITE_OK;
}

bool PowerLossVfs::BeginEvent(Operation operation) {
  SeePlainFiles();
  const std::size_t event = trace_.events().size();
  if (action_.has_value() && event >= action_->first) {
    const auto action = std::exchange(action_, std::nullopt)->second;
    action(trace_);
  }
  if (!fault_.has_value() || event < fault_->event) return true;
  if (fault_->kind == Fault::kDiskFull && operation == Operation::kOther) {
    return true;
  }
  if (!fault_->for_good && failed_ > 0) return true;
  ++failed_;
  return false;
}

void PowerLossVfs::SeePlainFiles() {
  FolderContents found;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (IsSharedMemory(name) || opened_.contains(name)) continue;
    auto contents = ReadFileContents(entry.path().string());
    if (contents.has_value()) found[name] = *std::move(contents);
  }
  for (const auto& [name, contents] : plain_) {
    if (!found.contains(name)) trace_.Delete(name, false);
  }
  for (const auto& [name, contents] : found) SeePlainFile(name, contents);
  plain_ = std::move(found);
}

void PowerLossVfs::SeePlainFile(const std::string& name,
                                const std::string& contents) {
  const auto before = plain_.find(name);
  if (before != plain_.end() && before->second == contents) return;
  std::size_t file;
  if (before == plain_.end()) {
    file = trace_.Create(name);
  } else {
    file = *trace_.Find(name);
    trace_.Truncate(file, 0);
  }
  if (!contents.empty()) trace_.Write(file, 0, contents);
}

}  // namespace shard::testing
