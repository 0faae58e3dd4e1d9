// shardctl stamp: sets databases up.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/stamp_check.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

using MaybeStamp = std::optional<Stamp>;

absl::StatusOr<MaybeStamp> Read(const Context& context,
                                const Database& database) {
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection,
                         database.engine->Connect());
  connection->set_deadline(absl::Now() + context.line.timeout);
  return connection->participant().ReadStamp();
}

// Those that stand. One that is wrong refuses all, before any is made: the
// others are probably meant for something else, too.
absl::StatusOr<std::vector<MaybeStamp>> ReadAll(const Context& context) {
  StampCheck check(&context.config);
  std::vector<MaybeStamp> stamps;
  for (const Database& database : context.databases) {
    stamps.emplace_back();
    if (!database.reached.ok()) continue;
    SHARD_ASSIGN_OR_RETURN(stamps.back(), Read(context, database));
    if (!stamps.back().has_value()) continue;
    const Finding finding = check.Look(database.name, stamps.back());
    if (finding.level != Finding::kError) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "database '", database.name, "' is stamped as ", finding.value, "; ",
        finding.advice, "; nothing was stamped"));
  }
  return stamps;
}

// Stamps those that have none, and raises epochs.
absl::StatusOr<std::shared_ptr<Topology>> StampAll(const Context& context) {
  TopologyOptions options;
  options.cluster = context.config.cluster;
  options.epoch = context.config.epoch.value_or(1);
  for (const Database& database : context.databases) {
    options.databases.emplace_back(database.name, database.engine);
  }
  return Topology::Open(std::move(options));
}

// The stamp that stands now. A table that somebody has dropped is made again.
absl::StatusOr<Stamp> Complete(const Context& context,
                               const Database& database) {
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection,
                         database.engine->Connect());
  connection->set_deadline(absl::Now() + context.line.timeout);
  SHARD_ASSIGN_OR_RETURN(const MaybeStamp stamp,
                         connection->participant().ReadStamp());
  if (stamp.has_value()) return connection->participant().PutStamp(*stamp);
  return absl::AbortedError("somebody has removed its stamp just now");
}

Table::Cell Result(const MaybeStamp& before, const Stamp& now) {
  if (!before.has_value()) return {"stamped", Color::kGreen};
  if (before->epoch != now.epoch) return {"epoch raised", Color::kYellow};
  return {"unchanged", Color::kPlain};
}

ExitCode Show(const Context& context, const std::vector<MaybeStamp>& before) {
  Output& output = context.output;
  Table table({"DATABASE", "RESULT", "STAMP"});
  Json databases = Json::array();
  ExitCode code = ExitCode::kOk;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Database& database = context.databases[i];
    const absl::StatusOr<Stamp> now =
        database.reached.ok() ? Complete(context, database)
                              : absl::StatusOr<Stamp>(database.reached);
    Table::Cell result("failed", Color::kRed);
    if (now.ok()) {
      result = Result(before[i], *now);
    } else {
      output.Problem(database.name, now.status());
      code = ExitCode::kUnreachable;
    }
    table.Add({database.name, result, now.ok() ? StampText(*now) : ""});
    databases.push_back(
        {{"database", database.name},
         {"result", absl::StrReplaceAll(result.text, {{" ", "_"}})},
         {"stamp", StampJson(now.ok() ? MaybeStamp(*now) : std::nullopt)}});
  }
  output.Print(table);
  output.object()["databases"] = std::move(databases);
  return code;
}

}  // namespace

ExitCode RunStamp(Context& context) {
  const absl::StatusOr<std::vector<MaybeStamp>> before = ReadAll(context);
  absl::Status status = before.status();
  std::shared_ptr<Topology> topology;
  if (status.ok()) {
    absl::StatusOr<std::shared_ptr<Topology>> opened = StampAll(context);
    status = opened.status();
    if (opened.ok()) topology = *std::move(opened);
  }
  if (!status.ok()) {
    context.output.Error(status);
    return ExitCodeOf(status);
  }
  return Show(context, *before);
}

}  // namespace shard::shardctl
