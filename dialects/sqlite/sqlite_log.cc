#include "shard/dialects/sqlite/sqlite_log.h"

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

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
constexpr std::size_t kLogHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kLogMagic = 0x377f0682;  // or one more
constexpr int kSaltBytes = 8;
constexpr int kIndexRegionBytes = 32768;

using Checksum = std::array<std::uint32_t, 2>;

// Where the first frame would stand that nobody has published, and what it
// would have to go on from.
struct LogEnd {
  std::size_t page_bytes = 0;
  std::uint32_t frames = 0;  // that are published
  std::int64_t offset = 0;
  bool big_endian = false;  // how checksums read the words that they add up
  Checksum checksum = {};
  std::array<char, kSaltBytes> salts = {};
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
  const auto* const header = static_cast<const char*>(
      const_cast<const void*>(static_cast<volatile void*>(index)));
  LogEnd end;
  std::uint16_t page = 0;
  end.big_endian = header[13] != 0;
  std::memcpy(&page, header + 14, sizeof(page));
  std::memcpy(&end.frames, header + 16, sizeof(end.frames));
  std::memcpy(end.checksum.data(), header + 24, sizeof(end.checksum));
  std::memcpy(end.salts.data(), header + 32, kSaltBytes);
  end.page_bytes = page == 1 ? 65536 : page;
  end.offset = static_cast<std::int64_t>(
      kLogHeaderBytes + end.frames * (kFrameHeaderBytes + end.page_bytes));
  return end;
}

std::uint32_t ReadWord(const char* bytes, bool big_endian) {
  const auto byte = [bytes](int i) {
    return std::uint32_t{static_cast<unsigned char>(bytes[i])};
  };
  return big_endian ? byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3)
                    : byte(3) << 24 | byte(2) << 16 | byte(1) << 8 | byte(0);
}

void AddUp(std::string_view bytes, bool big_endian, Checksum* sum) {
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    (*sum)[0] += ReadWord(bytes.data() + i, big_endian) + (*sum)[1];
    (*sum)[1] += ReadWord(bytes.data() + i + 4, big_endian) + (*sum)[0];
  }
}

// Whether a recovery of the log would take the frame for the next one; moves
// `end` on behind it.
bool GoesOnFrom(const std::string& frame, LogEnd* end) {
  const char* const header = frame.data();
  if (std::memcmp(header + 8, end->salts.data(), kSaltBytes) != 0) return false;
  AddUp({header, 8}, end->big_endian, &end->checksum);
  AddUp(std::string_view(frame).substr(kFrameHeaderBytes), end->big_endian,
        &end->checksum);
  end->offset += static_cast<std::int64_t>(frame.size());
  return ReadWord(header + 16, true) == end->checksum[0] &&
         ReadWord(header + 20, true) == end->checksum[1];
}

// No frame of the log is published: who wrote the first ones began with a
// header of his own. False when there is none to go on from: it is not whole,
// so that a recovery leaves the log alone; or the log began anew (which adds
// one to the first salt) and nobody has written since, so that what stands
// there is of the last round, and all in the database.
bool BeginAtHeader(std::string_view header, LogEnd* end) {
  const std::uint32_t magic = ReadWord(header.data(), true);
  Checksum sum = {};
  AddUp(header.substr(0, 24), (magic & 1) != 0, &sum);
  if ((magic & ~1u) != kLogMagic ||
      sum[0] != ReadWord(header.data() + 24, true) ||
      sum[1] != ReadWord(header.data() + 28, true)) {
    return false;
  }
  const std::uint32_t salt = ReadWord(header.data() + 16, true);
  if (salt + 1 == ReadWord(end->salts.data(), true)) return false;
  end->big_endian = (magic & 1) != 0;
  std::memcpy(end->salts.data(), header.data() + 16, kSaltBytes);
  end->checksum = sum;
  return true;
}

bool EndsACommit(const std::string& frame) {
  return ReadWord(frame.data() + 4, true) != 0;
}

}  // namespace

absl::Status SyncSqliteLog(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(sqlite3_file* const log, LogOf(database));
  if (log == nullptr) return absl::OkStatus();  // nothing was read from it
  const int result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (result == SQLITE_OK) return absl::OkStatus();
  return database.Error(result, "sync of the log");
}

std::string SqliteLogPosition::ToBytes() const {
  std::string bytes(salts.begin(), salts.end());
  bytes.append(reinterpret_cast<const char*>(&frames), sizeof(frames));
  return bytes;
}

absl::StatusOr<SqliteLogPosition> PublishedEndOfLog(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(const LogEnd end, EndOfLog(database));
  return SqliteLogPosition{end.salts, end.frames};
}

// Frames behind the end are common: of a transaction that was rolled back after
// it had spilled its cache, or of an older round of the log. A recovery takes
// those that go on from the end, up to the last that ends a COMMIT.
absl::StatusOr<bool> LogGoesOnUnpublished(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(sqlite3_file* const log, LogOf(database));
  if (log == nullptr) return false;
  SHARD_ASSIGN_OR_RETURN(LogEnd end, EndOfLog(database));
  sqlite3_int64 size = 0;
  int result = log->pMethods->xFileSize(log, &size);
  if (result == SQLITE_OK && end.offset == kLogHeaderBytes) {
    if (size < end.offset) return false;
    std::array<char, kLogHeaderBytes> header;
    result = log->pMethods->xRead(log, header.data(), kLogHeaderBytes, 0);
    if (result == SQLITE_OK &&
        !BeginAtHeader({header.data(), header.size()}, &end)) {
      return false;
    }
  }
  std::string frame(kFrameHeaderBytes + end.page_bytes, '\0');
  while (result == SQLITE_OK &&
         end.offset + static_cast<std::int64_t>(frame.size()) <= size) {
    result = log->pMethods->xRead(log, frame.data(),
                                  static_cast<int>(frame.size()), end.offset);
    if (result != SQLITE_OK) break;
    if (!GoesOnFrom(frame, &end)) return false;
    if (EndsACommit(frame)) return true;
  }
  if (result == SQLITE_OK) return false;
  return database.Error(result, "look at the log");
}

}  // namespace shard
