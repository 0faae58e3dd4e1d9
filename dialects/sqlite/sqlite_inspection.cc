#include "shard/dialects/sqlite/sqlite_inspection.h"

#include <sqlite3.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"
#include "shard/dialects/sqlite/sqlite_settings.h"
#include "shard/dialects/sqlite/sqlite_stamp.h"

namespace shard {
namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;
constexpr std::uint64_t kLowSpace = 100 * kMegabyte;

Finding Ok(std::string subject, std::string value) {
  return {Finding::kOk, std::move(subject), std::move(value), ""};
}

Finding Bad(Finding::Level level, std::string subject, std::string value,
            std::string advice) {
  return {level, std::move(subject), std::move(value), std::move(advice)};
}

absl::StatusOr<Finding> JournalMode(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(std::string mode,
                         ReadSqliteSetting(database, "main.journal_mode"));
  if (mode == "wal") return Ok("journal_mode", std::move(mode));
  return Bad(Finding::kError, "journal_mode", std::move(mode),
             "run PRAGMA journal_mode=WAL once; the file keeps it");
}

absl::StatusOr<Finding> Synchronous(SqliteDatabase& database) {
  SHARD_ASSIGN_OR_RETURN(const std::string value,
                         ReadSqliteSetting(database, "main.synchronous"));
  std::string name(SqliteSynchronousName(value));
  if (IsDurableSynchronous(value)) return Ok("synchronous", std::move(name));
  return Bad(Finding::kError, "synchronous", std::move(name),
             "run PRAGMA synchronous=FULL on every connection");
}

Finding FileAccess(SqliteDatabase& database, const std::string& path) {
  constexpr std::string_view kSubject = "file";
  if (sqlite3_db_readonly(database.handle(), "main") != 0) {
    return Bad(Finding::kError, std::string(kSubject),
               absl::StrCat(path, ", read-only"),
               "open it without mode=ro, and let this user write to it");
  }
  const std::string folder = std::filesystem::path(path).parent_path();
  if (access(path.c_str(), W_OK) != 0 || access(folder.c_str(), W_OK) != 0) {
    return Bad(Finding::kError, std::string(kSubject),
               absl::StrCat(path, ", ", std::strerror(errno)),
               "let this user write to the file and its folder");
  }
  return Ok(std::string(kSubject), absl::StrCat(path, ", writable"));
}

Finding DiskSpace(const std::string& path) {
  struct statvfs disk;
  if (statvfs(path.c_str(), &disk) != 0) {
    return Bad(Finding::kWarning, "disk space",
               absl::StrCat("not known: ", std::strerror(errno)),
               "look at the file system that holds the file");
  }
  const std::uint64_t free =
      static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  std::string value = absl::StrCat(free / kMegabyte, " MB free");
  if (free >= kLowSpace) return Ok("disk space", std::move(value));
  return Bad(Finding::kWarning, "disk space", std::move(value),
             "make room: a full disk ends all writing");
}

absl::StatusOr<Finding> Decisions(Connection& connection) {
  SHARD_ASSIGN_OR_RETURN(const bool has_table,
                         HasSqliteTable(connection, "shard_decisions"));
  if (!has_table) {
    return Ok("shard_decisions", "none yet; made with the stamp");
  }
  const auto summary = SqliteDecisions(&connection).Summarise();
  if (!summary.ok()) {
    return Bad(Finding::kError, "shard_decisions",
               std::string(summary.status().message()),
               "a table of this name is not ours; give it another name");
  }
  if (summary->rows == 0) return Ok("shard_decisions", "no rows");
  return Ok("shard_decisions",
            absl::StrCat(summary->rows, summary->rows == 1 ? " row" : " rows",
                         ", the oldest of ",
                         absl::FormatDuration(
                             absl::Trunc(summary->oldest, absl::Seconds(1))),
                         " ago"));
}

// What is wrong with the stamp itself; empty when nothing is.
std::string Flaw(const Stamp& stamp) {
  const bool hexadecimal =
      std::all_of(stamp.identity.begin(), stamp.identity.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      });
  if (stamp.identity.size() != 32 || !hexadecimal) {
    return "the identity is not 32 hexadecimal digits";
  }
  if (stamp.epoch < 1) return "the epoch is below 1";
  if (stamp.cluster.empty() || stamp.shard.empty() || stamp.hash.empty()) {
    return "a name is empty";
  }
  return "";
}

Finding StampFinding(Connection& connection) {
  constexpr char kSubject[] = "shard_stamp";
  const absl::StatusOr<std::optional<Stamp>> read = ReadSqliteStamp(connection);
  if (!read.ok()) {
    return Bad(Finding::kError, kSubject, std::string(read.status().message()),
               "a table of this name is not ours; give it another name");
  }
  if (!read->has_value()) return Ok(kSubject, "none yet");
  const Stamp& stamp = **read;
  std::string value = absl::StrCat(stamp.cluster, "/", stamp.shard, ", epoch ",
                                   stamp.epoch, ", ", stamp.hash);
  const std::string flaw = Flaw(stamp);
  if (flaw.empty()) return Ok(kSubject, std::move(value));
  return Bad(Finding::kError, kSubject, absl::StrCat(value, "; ", flaw),
             "somebody has changed the stamp by hand; restore it");
}

}  // namespace

absl::StatusOr<std::vector<Finding>> InspectSqlite(Connection& connection,
                                                   SqliteDatabase& database) {
  std::vector<Finding> findings = {Ok("SQLite", sqlite3_libversion())};
  const char* file = sqlite3_db_filename(database.handle(), "main");
  const std::string path = file == nullptr ? "" : file;
  if (path.empty()) {
    findings.push_back(
        Bad(Finding::kError, "file", "none: a database in memory",
            "it cannot take part in an atomic commit; use a file"));
    return findings;
  }
  SHARD_ASSIGN_OR_RETURN(findings.emplace_back(), JournalMode(database));
  SHARD_ASSIGN_OR_RETURN(findings.emplace_back(), Synchronous(database));
  findings.push_back(FileAccess(database, path));
  findings.push_back(DiskSpace(path));
  SHARD_ASSIGN_OR_RETURN(findings.emplace_back(), Decisions(connection));
  findings.push_back(StampFinding(connection));
  return findings;
}

}  // namespace shard
