#include "shard/session/open_topology.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/router/routing.h"
#include "shard/router/topology_change.h"
#include "shard/router/topology_config.h"
#include "shard/session/two_phase/recoverer.h"

namespace shard {
namespace {

using Engines = std::map<std::string, std::shared_ptr<Engine>, std::less<>>;

absl::StatusOr<std::shared_ptr<Engine>> OpenOne(
    const DatabaseConfig& database, const OnStatement& on_statement) {
  EngineOptions options = database.options;
  options.on_statement = on_statement;
  auto engine = OpenEngine(database.url, std::move(options));
  if (engine.ok()) return engine;
  return absl::InvalidArgumentError(
      database.source.Wrong(ToStd(engine.status().message())).message());
}

}  // namespace

// What one reading of the file has come to.
class OpenedTopology::State {
 public:
  // Takes over the engines of `before` (null: there is none) that are the same.
  static absl::StatusOr<std::shared_ptr<const State>> Make(
      const std::string& path, const OpenTopologyOptions& options,
      const State* before) {
    const auto state = std::make_shared<State>();
    SHARD_ASSIGN_OR_RETURN(state->config,
                           ReadTopologyFile(path, options.variables));
    absl::Status status;
    if (before != nullptr) {
      status = CheckTopologyChange(before->config, state->config);
    }
    if (status.ok()) status = state->OpenEngines(options, before);
    if (status.ok()) status = state->Route(options);
    if (status.ok()) return state;
    return Annotate(status, absl::StrCat("topology file '", path, "'"));
  }

  TopologyOptions ForTopology(bool stamp_new) const {
    TopologyOptions options;
    options.cluster = config.cluster;
    options.epoch = epoch();
    options.stamp_new = stamp_new;
    for (const DatabaseConfig& database : config.databases) {
      options.databases.emplace_back(database.name, engines.at(database.name));
    }
    return options;
  }
  std::int64_t epoch() const { return config.epoch.value_or(1); }

  TopologyConfig config;
  Engines engines;  // of databases and replicas
  Routing routing;

 private:
  absl::Status OpenEngines(const OpenTopologyOptions& options,
                           const State* before) {
    for (const DatabaseConfig& database : config.databases) {
      SHARD_RETURN_IF_ERROR(Take(database, options, before));
      for (const DatabaseConfig& replica : database.replicas) {
        SHARD_RETURN_IF_ERROR(Take(replica, options, before));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Take(const DatabaseConfig& database,
                    const OpenTopologyOptions& options, const State* before) {
    const DatabaseConfig* const known =
        before == nullptr ? nullptr : before->FindSource(database.name);
    if (known != nullptr && known->url == database.url &&
        known->source.SaysTheSame(database.source)) {
      engines[database.name] = before->engines.at(database.name);
      return absl::OkStatus();
    }
    // A database may have other replicas; its own URL and options are the same.
    if (known != nullptr && config.FindDatabase(database.name) != nullptr &&
        before->config.FindDatabase(database.name) != nullptr) {
      engines[database.name] = before->engines.at(database.name);
      return absl::OkStatus();
    }
    SHARD_ASSIGN_OR_RETURN(engines[database.name],
                           OpenOne(database, options.on_statement));
    return absl::OkStatus();
  }

  const DatabaseConfig* FindSource(std::string_view name) const {
    for (const DatabaseConfig& database : config.databases) {
      if (database.name == name) return &database;
      for (const DatabaseConfig& replica : database.replicas) {
        if (replica.name == name) return &replica;
      }
    }
    return nullptr;
  }

  absl::Status Route(const OpenTopologyOptions& options) {
    RoutingOptions how;
    how.engine = [this](const std::string& name) { return engines.at(name); };
    how.classes = options.classes;
    SHARD_ASSIGN_OR_RETURN(routing, MakeRouting(config, how));
    return absl::OkStatus();
  }
};

OpenedTopology::OpenedTopology(std::string path, OpenTopologyOptions options)
    : path_(std::move(path)), options_(std::move(options)) {}

OpenedTopology::~OpenedTopology() = default;

absl::Status OpenedTopology::Open() {
  SHARD_ASSIGN_OR_RETURN(state_, State::Make(path_, options_, nullptr));
  SHARD_ASSIGN_OR_RETURN(
      topology_, Topology::Open(state_->ForTopology(options_.stamp_new)));
  // What others left unfinished shall not wait for the first session.
  if (options_.session.two_phase) {
    Recoverer::Of(*topology_, options_.session.recovery);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OpenedTopology>> OpenTopology(
    const std::string& path, OpenTopologyOptions options) {
  std::unique_ptr<OpenedTopology> opened(
      new OpenedTopology(path, std::move(options)));
  SHARD_RETURN_IF_ERROR(opened->Open());
  return opened;
}

absl::Status OpenedTopology::Reload() {
  const std::lock_guard one_at_a_time(reload_mutex_);
  const std::shared_ptr<const State> before = state();
  SHARD_ASSIGN_OR_RETURN(const std::shared_ptr<const State> after,
                         State::Make(path_, options_, before.get()));
  SHARD_RETURN_IF_ERROR(
      topology_->Extend(after->ForTopology(options_.stamp_new)));
  if (options_.session.two_phase) {
    Recoverer::Of(*topology_, options_.session.recovery);
  }
  const std::lock_guard lock(mutex_);
  state_ = after;
  return absl::OkStatus();
}

std::shared_ptr<const OpenedTopology::State> OpenedTopology::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

SessionOptions OpenedTopology::session_options() const {
  const std::shared_ptr<const State> now = state();
  SessionOptions options = options_.session;
  options.resolver = now->routing.resolver;
  options.topology = topology_;
  options.epoch = now->epoch();
  return options;
}

std::shared_ptr<Engine> OpenedTopology::engine(std::string_view name) const {
  const std::shared_ptr<const State> now = state();
  const auto found = now->engines.find(name);
  return found == now->engines.end() ? nullptr : found->second;
}

const sql::Table* OpenedTopology::table(std::string_view name) const {
  return state()->routing.tables->Find(name);
}

std::shared_ptr<BindResolver> OpenedTopology::resolver() const {
  return state()->routing.resolver;
}

std::int64_t OpenedTopology::epoch() const { return state()->epoch(); }

}  // namespace shard
