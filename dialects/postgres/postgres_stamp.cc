#include "shard/dialects/postgres/postgres_stamp.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/postgres_decisions.h"
#include "shard/dialects/postgres/quoting.h"

namespace shard::postgres {
namespace {

// Its number is ours alone: the bytes of "shardses". CREATE TABLE IF NOT
// EXISTS collides with another at the same time.
constexpr char kLock[] =
    "SELECT pg_catalog.pg_advisory_xact_lock(8316003855879071091);";

// By a DO, since even where the table is there CREATE wants the right to
// create, which a role does not need when an administrator made the tables.
constexpr char kCreateTables[] = R"sql(DO $create$ BEGIN
IF pg_catalog.to_regclass('public.shard_decisions') IS NULL THEN
  CREATE TABLE public.shard_decisions (
    txn text PRIMARY KEY CHECK (txn ~ '^[0-9a-f]{32}$'),
    outcome text NOT NULL CHECK (outcome IN ('commit', 'abort')),
    participants text NOT NULL,
    redo bytea,
    created timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
END IF;
IF pg_catalog.to_regclass('public.shard_stamp') IS NULL THEN
  CREATE TABLE public.shard_stamp (
    "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"),
    cluster text NOT NULL,
    shard text NOT NULL,
    identity text NOT NULL,
    epoch bigint NOT NULL,
    hash text NOT NULL);
END IF;
END $create$;)sql";

constexpr char kRead[] =
    "SELECT cluster, shard, identity, epoch, hash FROM public.shard_stamp";

constexpr char kShown[] = "CREATE TABLE public.shard_decisions, shard_stamp";

std::optional<Stamp> StampOf(const TextRows& rows) {
  Stamp stamp;
  if (rows.empty() || !absl::SimpleAtoi(rows[0][3], &stamp.epoch)) {
    return std::nullopt;
  }
  stamp.cluster = rows[0][0];
  stamp.shard = rows[0][1];
  stamp.identity = rows[0][2];
  stamp.hash = rows[0][4];
  return stamp;
}

// Puts the stamp in where there is none, and raises the epoch of one of the
// same place.
absl::StatusOr<std::string> WriteText(const Link& link, const Stamp& stamp) {
  SHARD_ASSIGN_OR_RETURN(const std::string cluster,
                         QuoteLiteral(link, stamp.cluster));
  SHARD_ASSIGN_OR_RETURN(const std::string shard,
                         QuoteLiteral(link, stamp.shard));
  SHARD_ASSIGN_OR_RETURN(const std::string identity,
                         QuoteLiteral(link, stamp.identity));
  SHARD_ASSIGN_OR_RETURN(const std::string hash,
                         QuoteLiteral(link, stamp.hash));
  return absl::StrCat(
      "INSERT INTO public.shard_stamp (cluster, shard, identity, epoch, hash) "
      "SELECT ",
      cluster, ", ", shard, ", ", identity, ", ", stamp.epoch, ", ", hash,
      " WHERE NOT EXISTS (SELECT FROM public.shard_stamp);"
      "UPDATE public.shard_stamp SET epoch = ",
      stamp.epoch, " WHERE epoch < ", stamp.epoch, " AND cluster = ", cluster,
      " AND shard = ", shard, " AND hash = ", hash, ";");
}

// Whether there is nothing to write, so that no right to write is needed.
absl::StatusOr<bool> HasTables(Conversation& conversation) {
  SHARD_ASSIGN_OR_RETURN(
      const ScriptResults results,
      conversation.RunOwn(
          "SELECT pg_catalog.to_regclass('public.shard_decisions') IS NOT NULL "
          "AND pg_catalog.to_regclass('public.shard_stamp') IS NOT NULL",
          ""));
  return results.at(0).rows.at(0).at(0) == "t";
}

bool NeedsNothing(const Stamp& standing, const Stamp& wanted) {
  const bool same_place = standing.cluster == wanted.cluster &&
                          standing.shard == wanted.shard &&
                          standing.hash == wanted.hash;
  return standing.epoch >= wanted.epoch || !same_place;
}

}  // namespace

absl::StatusOr<std::optional<Stamp>> ReadPostgresStamp(
    Conversation& conversation) {
  constexpr std::string_view kNoSuchTable = "42P01";
  const absl::StatusOr<ScriptResults> results = conversation.RunOwn(kRead, "");
  if (results.ok()) return StampOf(results->at(0).rows);
  // Cheaper than to ask first: it happens once.
  if (DatabaseCode(results.status()) == kNoSuchTable) return std::nullopt;
  return results.status();
}

namespace {

absl::StatusOr<Stamp> PutStamp(Conversation& conversation, const Stamp& stamp) {
  SHARD_ASSIGN_OR_RETURN(const bool has_tables, HasTables(conversation));
  if (has_tables) {
    SHARD_ASSIGN_OR_RETURN(const std::optional<Stamp> standing,
                           ReadPostgresStamp(conversation));
    if (standing.has_value() && NeedsNothing(*standing, stamp)) {
      return *standing;
    }
  }
  SHARD_ASSIGN_OR_RETURN(const std::string write,
                         WriteText(conversation.link(), stamp));
  SHARD_ASSIGN_OR_RETURN(
      const ScriptResults results,
      conversation.RunOwnTransaction(
          absl::StrCat(kLock, kCommitDurably, kCreateTables, write, kRead),
          kShown));
  const std::optional<Stamp> standing =
      StampOf(results[results.size() - 2].rows);  // in front of COMMIT
  if (standing.has_value()) return *standing;
  return absl::AbortedError(
      "the stamp was removed by somebody else while it was put in");
}

}  // namespace

absl::StatusOr<Stamp> PutPostgresStamp(Conversation& conversation,
                                       const Stamp& stamp) {
  absl::StatusOr<Stamp> standing = PutStamp(conversation, stamp);
  if (!absl::IsPermissionDenied(standing.status())) return standing;
  return Annotate(standing.status(),
                  "cannot stamp the database; have its owner do it once, and "
                  "grant this role USAGE on schema public, and SELECT, INSERT, "
                  "UPDATE and DELETE on public.shard_decisions and "
                  "public.shard_stamp");
}

}  // namespace shard::postgres
