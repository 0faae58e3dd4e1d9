#include "shard/dialects/postgres/postgres_inspection.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/postgres_stamp.h"

namespace shard::postgres {
namespace {

// In the order of Column.
constexpr char kQuery[] = R"sql(SELECT
current_setting('server_version'),
current_setting('server_version_num'),
pg_catalog.pg_is_in_recovery(),
current_setting('default_transaction_read_only'),
current_setting('max_prepared_transactions'),
current_setting('max_connections'),
(SELECT count(*) FROM pg_catalog.pg_prepared_xacts),
(SELECT count(*) FROM pg_catalog.pg_prepared_xacts
 WHERE database = current_database()
 AND pg_catalog.clock_timestamp() - prepared > interval '1 hour'),
(SELECT count(*) FROM pg_catalog.pg_prepared_xacts
 WHERE database = current_database() AND owner <> current_user
 AND current_setting('is_superuser') <> 'on'),
current_setting('fsync'),
current_setting('full_page_writes'),
current_setting('synchronous_commit'))sql";

enum Column : std::size_t {
  kVersion,
  kVersionNumber,
  kInRecovery,
  kReadOnly,
  kMostPrepared,
  kMostConnections,
  kPrepared,
  kOld,
  kOfOthers,
  kFsync,
  kFullPageWrites,
  kSynchronousCommit,
  kColumns,
};

using Row = std::vector<std::string>;

std::int64_t NumberIn(const Row& row, Column column) {
  std::int64_t number = 0;
  return absl::SimpleAtoi(row[column], &number) ? number : 0;
}

// The advice counts where all is not well.
Finding Judge(std::string subject, std::string value, Finding::Level level,
              std::string advice) {
  if (level == Finding::kOk) advice.clear();
  return {level, std::move(subject), std::move(value), std::move(advice)};
}

Finding::Level Unless(bool well, Finding::Level level) {
  return well ? Finding::kOk : level;
}

Finding Version(const Row& row) {
  return Judge("PostgreSQL", row[kVersion],
               Unless(NumberIn(row, kVersionNumber) >= 130000, Finding::kError),
               "upgrade to 13 or later: older servers do not tell what became "
               "of a transaction");
}

Finding Role(const Row& row) {
  const bool standby = row[kInRecovery] == "t";
  return Judge("role", standby ? "standby" : "primary",
               Unless(!standby, Finding::kError),
               "a standby cannot take part; name the primary");
}

Finding ReadOnly(const Row& row) {
  return Judge("default_transaction_read_only", row[kReadOnly],
               Unless(row[kReadOnly] == "off", Finding::kError),
               "set it to off for this role and database");
}

Finding Slots(const Row& row) {
  const std::int64_t most = NumberIn(row, kMostPrepared);
  const std::int64_t used = NumberIn(row, kPrepared);
  std::string value = absl::StrCat(most, ", ", used, " in use");
  if (most == 0) {
    return Judge("max_prepared_transactions", "0", Finding::kError,
                 "the server can only decide, and at most one database of a "
                 "transaction may be such; set it to max_connections and "
                 "restart the server");
  }
  return Judge(
      "max_prepared_transactions", std::move(value),
      Unless(most - used >= NumberIn(row, kMostConnections), Finding::kWarning),
      absl::StrCat("fewer are free than the ", row[kMostConnections],
                   " connections that may each need one; raise it, or end "
                   "what is left over"));
}

Finding LeftOver(const Row& row) {
  const std::int64_t old = NumberIn(row, kOld);
  const std::int64_t of_others = NumberIn(row, kOfOthers);
  return Judge(
      "prepared transactions",
      absl::StrCat(old, " older than an hour, ", of_others, " of other owners"),
      Unless(old == 0 && of_others == 0, Finding::kWarning),
      "they hold locks and keep VACUUM from its work; run recovery, "
      "and have their owners, or a superuser, end those of others");
}

Finding MustBeOn(const Row& row, Column column, std::string name) {
  return Judge(std::move(name), row[column],
               Unless(row[column] == "on", Finding::kError),
               "switch it on: without it a crash of the machine may lose or "
               "tear what was committed");
}

Finding SynchronousCommit(const Row& row) {
  return Judge("synchronous_commit", row[kSynchronousCommit],
               Unless(row[kSynchronousCommit] != "off", Finding::kWarning),
               "decisions wait for the disk whatever it is, but a transaction "
               "on this database alone may be lost in a crash; set it to on");
}

// The privileges on the table that this role lacks: "INSERT, DELETE". Empty too
// when there is no such table.
absl::StatusOr<std::string> MissingPrivileges(Conversation& conversation) {
  SHARD_ASSIGN_OR_RETURN(
      const ScriptResults results,
      conversation.RunOwn(
          "SELECT coalesce(string_agg(wanted, ', '), '') FROM "
          "unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) AS wanted WHERE NOT "
          "pg_catalog.has_table_privilege("
          "pg_catalog.to_regclass('public.shard_decisions')::oid, wanted)",
          "SELECT has_table_privilege"));
  return results.at(0).rows.at(0).at(0);
}

absl::StatusOr<Finding> Decisions(Conversation& conversation,
                                  PostgresDecisions& decisions) {
  const auto rows = decisions.List();
  if (absl::IsUnavailable(rows.status()) ||
      absl::IsDeadlineExceeded(rows.status())) {
    return rows.status();
  }
  if (!rows.ok()) {
    return Judge("shard_decisions", std::string(rows.status().message()),
                 Finding::kError,
                 "let this role SELECT, INSERT and DELETE, or, if the table is "
                 "not ours, give it another name");
  }
  SHARD_ASSIGN_OR_RETURN(const std::string missing,
                         MissingPrivileges(conversation));
  if (!missing.empty()) {
    return Judge("shard_decisions",
                 absl::StrCat("this role has no right to ", missing),
                 Finding::kError,
                 "let this role SELECT, INSERT and DELETE: without it neither "
                 "decisions nor recovery are possible here");
  }
  if (rows->empty()) {
    return Judge("shard_decisions", "no rows", Finding::kOk, "");
  }
  absl::Duration oldest;
  for (const DecisionRow& row : *rows) oldest = std::max(oldest, row.age);
  return Judge(
      "shard_decisions",
      absl::StrCat(rows->size(), rows->size() == 1 ? " row" : " rows",
                   ", the oldest of ",
                   absl::FormatDuration(absl::Trunc(oldest, absl::Seconds(1))),
                   " ago"),
      Finding::kOk, "");
}

absl::StatusOr<Finding> StampFinding(Conversation& conversation) {
  const auto stamp = ReadPostgresStamp(conversation);
  if (absl::IsUnavailable(stamp.status()) ||
      absl::IsDeadlineExceeded(stamp.status())) {
    return stamp.status();
  }
  if (!stamp.ok()) {
    return Judge("shard_stamp", std::string(stamp.status().message()),
                 Finding::kError,
                 "let this role SELECT, INSERT and UPDATE, or, if the table is "
                 "not ours, give it another name");
  }
  if (!stamp->has_value()) {
    return Judge("shard_stamp", "none yet", Finding::kOk, "");
  }
  const Stamp& found = **stamp;
  return Judge("shard_stamp",
               absl::StrCat(found.cluster, "/", found.shard, ", epoch ",
                            found.epoch, ", ", found.hash),
               Finding::kOk, "");
}

}  // namespace

absl::StatusOr<std::vector<Finding>> InspectPostgres(
    Conversation& conversation, PostgresDecisions& decisions) {
  SHARD_ASSIGN_OR_RETURN(const ScriptResults results,
                         conversation.RunOwn(kQuery, "SELECT current_setting"));
  const Row& row = results.at(0).rows.at(0);
  if (row.size() != kColumns) {
    return absl::InternalError("the inspection has too few columns");
  }
  std::vector<Finding> findings = {
      Version(row),
      Role(row),
      ReadOnly(row),
      Slots(row),
      LeftOver(row),
      MustBeOn(row, kFsync, "fsync"),
      MustBeOn(row, kFullPageWrites, "full_page_writes"),
      SynchronousCommit(row),
  };
  SHARD_ASSIGN_OR_RETURN(findings.emplace_back(),
                         Decisions(conversation, decisions));
  SHARD_ASSIGN_OR_RETURN(findings.emplace_back(), StampFinding(conversation));
  return findings;
}

}  // namespace shard::postgres
