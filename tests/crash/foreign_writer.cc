#include "shard/tests/crash/foreign_writer.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/tests/crash/raw_database.h"
#include "shard/tests/crash/stop_signal.h"

namespace shard::bank {
namespace {

constexpr std::size_t kRows = 100;

std::string RandomUpdate(Random& random, std::size_t most_bytes) {
  return absl::StrCat(
      "UPDATE foreign_rows SET body = randomblob(",
      1 + Pick(random, most_bytes),
      "), writes = writes + 1 WHERE id = ", 1 + Pick(random, kRows));
}

void Sleep(Random& random, std::size_t most_ms) {
  absl::SleepFor(absl::Milliseconds(Pick(random, most_ms)));
}

// One connection to one file.
class ForeignWriter {
 public:
  ForeignWriter(RawDatabase* file, Random* random)
      : file_(*file), random_(*random) {}

  absl::Status Act() {
    const std::size_t percent = Pick(random_, 100);
    if (percent < 45) return Write(/*statements=*/1, 100);
    if (percent < 60) return Write(/*statements=*/30, 30'000);
    if (percent < 75) return KeepWriteLock();
    if (percent < 85) return KeepSnapshot();
    return percent < 95 ? EmptyLog() : ChangeSchema();
  }

  absl::Status Write(int statements, std::size_t most_bytes) {
    SHARD_RETURN_IF_ERROR(Run("BEGIN IMMEDIATE"));
    for (int i = 0; i < statements; ++i) {
      SHARD_RETURN_IF_ERROR(Run(RandomUpdate(random_, most_bytes)));
    }
    return End();
  }

 private:
  absl::Status Run(const std::string& sql) { return file_.Query(sql).status(); }
  absl::Status End() {
    return Run(Chance(random_, 80) ? "COMMIT" : "ROLLBACK");
  }

  absl::Status KeepWriteLock() {
    SHARD_RETURN_IF_ERROR(Run("BEGIN IMMEDIATE"));
    SHARD_RETURN_IF_ERROR(Run(RandomUpdate(random_, 100)));
    Sleep(random_, 300);
    return End();
  }

  // The log cannot be started anew meanwhile.
  absl::Status KeepSnapshot() {
    SHARD_RETURN_IF_ERROR(Run("BEGIN"));
    SHARD_RETURN_IF_ERROR(Run("SELECT count(*) FROM accounts"));
    Sleep(random_, 500);
    return Run("COMMIT");
  }

  absl::Status EmptyLog() {
    constexpr const char* kHow[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    return Run(absl::StrCat("PRAGMA wal_checkpoint(",
                            kHow[Pick(random_, std::size(kHow))], ")"));
  }

  // Everybody prepares their statements anew.
  absl::Status ChangeSchema() {
    SHARD_RETURN_IF_ERROR(
        Run("CREATE INDEX IF NOT EXISTS foreign_writes ON "
            "foreign_rows(writes)"));
    Sleep(random_, 20);
    return Run("DROP INDEX IF EXISTS foreign_writes");
  }

  RawDatabase& file_;
  Random& random_;
};

// A file that cannot be written to now may be another time.
bool IsExpected(const absl::Status& status) {
  return status.ok() || absl::IsAborted(status) || absl::IsUnavailable(status);
}

}  // namespace

absl::Status MakeForeignTables(const std::vector<Database>& files) {
  for (const Database& database : files) {
    SHARD_ASSIGN_OR_RETURN(const auto file, RawDatabase::Open(database.url));
    SHARD_RETURN_IF_ERROR(
        file->Query("CREATE TABLE foreign_rows (id INTEGER PRIMARY KEY, "
                    "writes INTEGER NOT NULL, body BLOB)")
            .status());
    SHARD_RETURN_IF_ERROR(
        file
            ->Query(absl::StrCat(
                "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT "
                "id + 1 FROM n WHERE id < ",
                kRows, ") INSERT INTO foreign_rows SELECT id, 0, NULL FROM n"))
            .status());
  }
  return absl::OkStatus();
}

absl::Status RunForeignWriter(const std::vector<Database>& databases,
                              std::uint64_t seed) {
  const StopSignal stop;
  Random random(seed);
  std::vector<std::unique_ptr<RawDatabase>> open(databases.size());
  while (!stop.came()) {
    const std::size_t i = Pick(random, databases.size());
    if (!databases[i].is_file()) continue;
    absl::Status status;
    if (open[i] == nullptr) {
      auto opened = RawDatabase::Open(databases[i].url);
      status = opened.status();
      if (opened.ok()) open[i] = *std::move(opened);
    }
    if (status.ok()) status = ForeignWriter(open[i].get(), &random).Act();
    if (!IsExpected(status)) return status;
    // The last one to close a file empties its log and removes it.
    if (!status.ok() || Chance(random, 5)) open[i] = nullptr;
    Sleep(random, 200);
  }
  return absl::OkStatus();
}

void WriteAtOnce(const std::vector<Database>& files, Random& random) {
  for (const Database& database : files) {
    if (Chance(random, 50)) continue;
    const auto file = RawDatabase::Open(database.url);
    if (!file.ok()) continue;
    (*file)->Query("PRAGMA busy_timeout = 0").status().IgnoreError();
    ForeignWriter(file->get(), &random).Write(1, 100).IgnoreError();
  }
}

}  // namespace shard::bank
