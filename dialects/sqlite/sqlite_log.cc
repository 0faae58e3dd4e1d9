#include "shard/dialects/sqlite/sqlite_log.h"

#include <sqlite3.h>

#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

// Null when the log is not open.
absl::StatusOr<sqlite3_file*> LogOf(SqliteDatabase& database) {
  sqlite3_file* log = nullptr;
  const int found = sqlite3_file_control(database.handle(), "main",
                                         SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (found != SQLITE_OK) return database.Error(found, "look for the log");
  return log == nullptr || log->pMethods == nullptr ? nullptr : log;
}

// Formats of SQLite that it never changes: sqlite.org/walformat.html.
constexpr std::int64_t kLogHeaderBytes = 32;
constexpr std::int64_t kFrameHeaderBytes = 24;
constexpr std::int64_t kSaltsInLogHeader = 16;
constexpr std::int64_t kSaltsInFrame = 8;
constexpr int kSaltBytes = 8;
constexpr int kIndexRegionBytes = 32768;

// Where the first frame would stand that nobody has published.
struct LogEnd {
  std::int64_t page_bytes;
  std::int64_t offset;
};

absl::StatusOr<LogEnd> EndOfLog(SqliteDatabase& database) {
  sqlite3_file* file = nullptr;
  int result = sqlite3_file_control(database.handle(), "main",
                                    SQLITE_FCNTL_FILE_POINTER, &file);
  volatile void* index = nullptr;
  if (result == SQLITE_OK) {
    result = file->pMethods->xShmMap(file, 0, kIndexRegionBytes, 0, &index);
  }
  if (result != SQLITE_OK) return database.Error(result, "look at the log");
  std::uint16_t page = 0;
  std::uint32_t frames = 0;
  const auto* const header = static_cast<const char*>(
      const_cast<const void*>(static_cast<volatile void*>(index)));
  std::memcpy(&page, header + 14, sizeof(page));
  std::memcpy(&frames, header + 16, sizeof(frames));
  const std::int64_t page_bytes = page == 1 ? 65536 : page;
  return LogEnd{page_bytes,
                kLogHeaderBytes + frames * (kFrameHeaderBytes + page_bytes)};
}

}  // namespace

absl::Status SyncSqliteLog(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(sqlite3_file* const log, LogOf(database));
  if (log == nullptr) return absl::OkStatus();  // nothing was read from it
  const int result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (result == SQLITE_OK) return absl::OkStatus();
  return database.Error(result, "sync of the log");
}

// A frame counts in a recovery only with the salts of the log's header.
absl::StatusOr<bool> LogGoesOnUnpublished(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(sqlite3_file* const log, LogOf(database));
  if (log == nullptr) return false;
  SHARD_ASSIGN_OR_RETURN(const LogEnd end, EndOfLog(database));
  sqlite3_int64 size = 0;
  int result = log->pMethods->xFileSize(log, &size);
  if (result == SQLITE_OK &&
      size < end.offset + kFrameHeaderBytes + end.page_bytes) {
    return false;
  }
  char salts[kSaltBytes], frame_salts[kSaltBytes];
  if (result == SQLITE_OK) {
    result = log->pMethods->xRead(log, salts, kSaltBytes, kSaltsInLogHeader);
  }
  if (result == SQLITE_OK) {
    result = log->pMethods->xRead(log, frame_salts, kSaltBytes,
                                  end.offset + kSaltsInFrame);
  }
  if (result != SQLITE_OK) return database.Error(result, "look at the log");
  return std::memcmp(salts, frame_salts, kSaltBytes) == 0;
}

}  // namespace shard
