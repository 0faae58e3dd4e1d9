#include "shard/tests/crash/records.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/tests/crash/disk_room.h"
#include "shard/tests/crash/raw_database.h"

namespace shard::bank {
namespace {

absl::StatusOr<std::int64_t> Number(const std::string& text) {
  std::int64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) return number;
  return absl::DataLossError(absl::StrCat("no number: '", text, "'"));
}

absl::Status ReadAccounts(RawDatabase& database, const std::string& name,
                          Records& records) {
  SHARD_ASSIGN_OR_RETURN(
      const auto rows,
      database.Query("SELECT number, balance, version FROM accounts"));
  for (const auto& row : rows) {
    AccountRecord& account = records.accounts.emplace_back();
    account.home = name;
    SHARD_ASSIGN_OR_RETURN(account.number, Number(row[0]));
    SHARD_ASSIGN_OR_RETURN(account.balance, Number(row[1]));
    SHARD_ASSIGN_OR_RETURN(account.version, Number(row[2]));
  }
  return absl::OkStatus();
}

absl::Status ReadTransfers(RawDatabase& database, const std::string& name,
                           Records& records) {
  SHARD_ASSIGN_OR_RETURN(
      const auto rows,
      database.Query("SELECT transfer, account, delta, version, legs "
                     "FROM transfers"));
  for (const auto& row : rows) {
    TransferRecord& record = records.transfers.emplace_back();
    record.transfer = row[0];
    record.leg.home = name;
    SHARD_ASSIGN_OR_RETURN(record.leg.account, Number(row[1]));
    SHARD_ASSIGN_OR_RETURN(record.leg.delta, Number(row[2]));
    SHARD_ASSIGN_OR_RETURN(record.version, Number(row[3]));
    SHARD_ASSIGN_OR_RETURN(record.legs, ParseLegs(row[4]));
  }
  return absl::OkStatus();
}

absl::Status ReadUnfinished(RawDatabase& database, const std::string& name,
                            Records& records) {
  if (database.is_postgres()) {
    SHARD_ASSIGN_OR_RETURN(const auto prepared,
                           database.Query("SELECT gid FROM pg_prepared_xacts "
                                          "WHERE gid LIKE 'shard1/%'"));
    for (const auto& row : prepared) {
      records.unfinished.push_back(
          absl::StrCat(name, ": still prepared: ", row[0]));
    }
  }
  SHARD_ASSIGN_OR_RETURN(
      const auto decisions,
      database.Query("SELECT txn, outcome FROM shard_decisions"));
  for (const auto& row : decisions) {
    records.unfinished.push_back(absl::StrCat(name, ": a decision to ", row[1],
                                              " is left over: ", row[0]));
  }
  return absl::OkStatus();
}

void TryLocks(RawDatabase& database, const std::string& name,
              Records& records) {
  absl::Status locked =
      database.Query(database.is_postgres() ? "BEGIN" : "BEGIN IMMEDIATE")
          .status();
  if (locked.ok() && database.is_postgres()) {
    locked = database
                 .Query(
                     "SELECT number FROM accounts FOR UPDATE NOWAIT; "
                     "LOCK TABLE accounts, transfers, shard_decisions "
                     "IN ACCESS EXCLUSIVE MODE NOWAIT")
                 .status();
  }
  if (!locked.ok()) {
    records.unfinished.push_back(
        absl::StrCat(name, ": still locked: ", locked.message()));
  }
  database.Query("ROLLBACK").status().IgnoreError();
}

// What the library keeps beside the file.
absl::Status ReadMarks(const Database& database, Records& records) {
  const std::filesystem::path path = database.path();
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(path.parent_path(), error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(path.filename().string())) continue;
    const std::string rest = name.substr(path.filename().string().size());
    if (rest.empty() || rest == "-wal" || rest == "-shm" ||
        rest == DiskRoom::kSuffix) {
      continue;
    }
    records.unfinished.push_back(
        absl::StrCat(database.name, ": a file is left over: ", name));
  }
  if (!error) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(path.string(), ": ", error.message()));
}

absl::Status CheckIntegrity(RawDatabase& file, const std::string& name,
                            Records& records) {
  SHARD_ASSIGN_OR_RETURN(const auto rows, file.Query("PRAGMA integrity_check"));
  for (const auto& row : rows) {
    if (row[0] == "ok") continue;
    records.damaged.push_back(absl::StrCat(name, ": ", row[0]));
  }
  return absl::OkStatus();
}

absl::Status ReadDatabase(const Database& database, Records& records) {
  SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<RawDatabase> raw,
                         RawDatabase::Open(database.url));
  SHARD_RETURN_IF_ERROR(ReadAccounts(*raw, database.name, records));
  SHARD_RETURN_IF_ERROR(ReadTransfers(*raw, database.name, records));
  SHARD_RETURN_IF_ERROR(ReadUnfinished(*raw, database.name, records));
  TryLocks(*raw, database.name, records);
  if (database.is_file()) {
    SHARD_RETURN_IF_ERROR(ReadMarks(database, records));
    SHARD_RETURN_IF_ERROR(CheckIntegrity(*raw, database.name, records));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Records> ReadRecords(const std::vector<Database>& databases,
                                    const std::string& journals) {
  Records records;
  for (const Database& database : databases) {
    SHARD_RETURN_IF_ERROR(ReadDatabase(database, records));
  }
  SHARD_ASSIGN_OR_RETURN(records.told, ReadJournals(journals));
  return records;
}

}  // namespace shard::bank
