#include "shard/tools/shardctl/databases.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/url.h"

namespace shard::shardctl {
namespace {

// Of a database that could not be reached.
class DownOpener : public Engine::Opener {
 public:
  DownOpener(const Dialect& dialect, const absl::Status& why)
      : dialect_(dialect), why_(why) {}
  const Dialect& dialect() const override { return dialect_; }
  absl::StatusOr<std::unique_ptr<Connection>> Open() override {
    return absl::UnavailableError(why_.message());
  }

 private:
  const Dialect& dialect_;  // lives as long as the program
  const absl::Status why_;
};

// One in memory belongs to the program that has it.
absl::Status CheckOthersCanReach(const Url& url) {
  if (url.scheme != "sqlite" || (!url.path.empty() && url.path != ":memory:")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "a database in memory can be reached by its own program only; name a "
      "file, as in sqlite:////var/lib/bank.db");
}

absl::Status CheckFileIsThere(const Url& url) {
  if (url.scheme != "sqlite") return absl::OkStatus();
  std::error_code error;
  if (std::filesystem::exists(url.path, error)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("there is no file '", url.path, "'",
                                          error ? ": " : "",
                                          error ? error.message() : ""));
}

// The engine in its place puts the same words in front once more.
absl::Status WithoutPrefix(const Engine& engine, const absl::Status& status) {
  const std::string prefix =
      absl::StrCat("cannot connect to '", engine.name(), "': ");
  return absl::Status(status.code(),
                      absl::StripPrefix(status.message(), prefix));
}

absl::Status Reach(const Url& url, Engine& engine, MissingFile missing_file) {
  if (missing_file == MissingFile::kIsAnError) {
    SHARD_RETURN_IF_ERROR(CheckFileIsThere(url));
  }
  const absl::StatusOr<PooledConnection> connected = engine.Connect();
  if (!connected.ok()) return WithoutPrefix(engine, connected.status());
  // Also shows whether the tables of the atomic commit may be read.
  return (*connected)->participant().ReadStamp().status();
}

absl::StatusOr<Database> Open(const std::string& text,
                              const EngineOptions& options,
                              MissingFile missing_file) {
  SHARD_ASSIGN_OR_RETURN(const Url url, Url::Parse(text));
  SHARD_RETURN_IF_ERROR(CheckOthersCanReach(url));
  Database database{options.name, url.Redacted(), nullptr, absl::OkStatus()};
  SHARD_ASSIGN_OR_RETURN(database.engine, OpenEngine(text, options));
  database.reached = Reach(url, *database.engine, missing_file);
  if (!database.reached.ok()) {
    database.engine = std::make_shared<Engine>(
        std::make_unique<DownOpener>(database.engine->dialect(),
                                     database.reached),
        options);
  }
  return database;
}

absl::StatusOr<std::shared_ptr<Topology>> Open(
    const ClusterConfig& config, const std::vector<Database>& databases,
    std::int64_t epoch) {
  TopologyOptions options;
  options.cluster = config.cluster;
  options.stamp_new = false;
  options.epoch = epoch;
  for (const Database& database : databases) {
    options.databases.emplace_back(database.name, database.engine);
  }
  absl::StatusOr<std::shared_ptr<Topology>> topology =
      Topology::Open(std::move(options));
  if (!absl::IsFailedPrecondition(topology.status())) return topology;
  return absl::FailedPreconditionError(absl::StrCat(
      topology.status().message(),
      "; shardctl check shows every stamp, shardctl stamp sets up databases "
      "that are new"));
}

}  // namespace

absl::StatusOr<std::vector<Database>> OpenDatabases(const ClusterConfig& config,
                                                    absl::Duration timeout,
                                                    MissingFile missing_file) {
  std::vector<Database> databases;
  for (const auto& [name, text] : config.databases) {
    EngineOptions options;
    options.name = name;
    options.busy_timeout = timeout;
    absl::StatusOr<Database> database = Open(text, options, missing_file);
    if (!database.ok()) {
      return Annotate(database.status(), absl::StrCat("database '", name, "'"));
    }
    databases.push_back(*std::move(database));
  }
  return databases;
}

absl::StatusOr<std::shared_ptr<Topology>> OpenTopology(
    const ClusterConfig& config, const std::vector<Database>& databases) {
  // Older than every stamp, so that looking raises no epoch. Recovery and
  // decisions by hand do not depend on it.
  return Open(config, databases, /*epoch=*/0);
}

absl::StatusOr<std::shared_ptr<Topology>> OpenTopologyToWrite(
    const ClusterConfig& config, const std::vector<Database>& databases,
    absl::Duration timeout) {
  const std::int64_t epoch = config.epoch.value_or(1);
  for (const Database& database : databases) {
    SHARD_RETURN_IF_ERROR(database.reached);
    SHARD_ASSIGN_OR_RETURN(const PooledConnection connection,
                           database.engine->Connect());
    connection->set_deadline(absl::Now() + timeout);
    SHARD_ASSIGN_OR_RETURN(const std::optional<Stamp> stamp,
                           connection->participant().ReadStamp());
    connection->set_deadline(absl::InfiniteFuture());
    if (!stamp.has_value() || stamp->epoch >= epoch) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("database '", database.name, "' has slot map epoch ",
                     stamp->epoch, ", older than that of the topology, ", epoch,
                     "; shardctl stamp raises it"));
  }
  return Open(config, databases, epoch);
}

}  // namespace shard::shardctl
