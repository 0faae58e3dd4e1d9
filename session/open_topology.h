// A topology file, opened: engines, resolver and recovery in one call.
#ifndef SHARD_SESSION_OPEN_TOPOLOGY_H_
#define SHARD_SESSION_OPEN_TOPOLOGY_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/topology.h"
#include "shard/router/url_variables.h"
#include "shard/session/entity.h"
#include "shard/session/session_maker.h"
#include "shard/session/session_options.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

// The classes that a file may name: Classes<Order, Line>().
template <MappedClass... E>
std::vector<const sql::ClassInfo*> Classes() {
  return {&E::class_info()...};
}

struct OpenTopologyOptions {
  std::vector<const sql::ClassInfo*> classes = {};
  // What all sessions are like. Resolver, topology and epoch are filled in.
  SessionOptions session = {};
  // See TopologyOptions.
  bool stamp_new = true;
  // Of all engines; see EngineOptions.
  OnStatement on_statement = nullptr;
  // For "${NAME}" in URLs.
  Variables variables = EnvironmentVariable;
};

// The databases and routers of a topology file (docs/topology_file.md), ready
// for sessions. Thread-safe. Sessions, and options and makers of sessions, may
// outlive it: they keep what they have.
//
//   SHARD_ASSIGN_OR_RETURN(
//       const auto shop,
//       OpenTopology("shop.json", {.classes = Classes<Order, Line>()}));
//   ShardedSession session = shop->NewSession();
class OpenedTopology {
 public:
  class State;
  OpenedTopology(const OpenedTopology&) = delete;
  OpenedTopology& operator=(const OpenedTopology&) = delete;
  ~OpenedTopology();

  // By what the file says now, as far as Reload has read it. Take them anew for
  // each session, so that it is.
  SessionOptions session_options() const;
  SessionMaker session_maker() const { return SessionMaker(session_options()); }
  ShardedSession NewSession() const {
    return ShardedSession(session_options());
  }

  // Null where there is no database or replica of that name.
  std::shared_ptr<Engine> engine(std::string_view name) const;
  // A table that the file itself describes ("tables"); null where there is
  // none. It lives as long as this, and as the sessions made before a Reload.
  const sql::Table* table(std::string_view name) const;
  std::shared_ptr<BindResolver> resolver() const;
  const std::shared_ptr<Topology>& topology() const { return topology_; }
  std::int64_t epoch() const;  // of the slot map

  // Reads the file again, for the sessions made from then on: more databases,
  // replicas, routers and classes, and other places for rows under a higher
  // epoch. Sessions that there are keep their resolver; under a higher epoch
  // they may read and not write (kFailedPrecondition: do the work again in a
  // new session), since rows may belong elsewhere by then.
  //
  // On an error all stays as it is: that of OpenTopology, and
  // kFailedPrecondition for what cannot change in a running program (see
  // CheckTopologyChange).
  absl::Status Reload();

 private:
  friend absl::StatusOr<std::unique_ptr<OpenedTopology>> OpenTopology(
      const std::string& path, OpenTopologyOptions options);
  OpenedTopology(std::string path, OpenTopologyOptions options);
  absl::Status Open();
  std::shared_ptr<const State> state() const;

  const std::string path_;
  const OpenTopologyOptions options_;
  std::shared_ptr<Topology> topology_;  // from Open on
  std::mutex reload_mutex_;             // held while the file is read again
  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_;  // guarded by mutex_
};

// Opens what the file describes, checks the stamps and starts recovery, unless
// `session.recovery` or `session.two_phase` says not to. Databases that are
// down are found at first use.
//
// kNotFound: the file cannot be read. kInvalidArgument, naming file, line and
// field: see ParseTopologyConfig and MakeRouting, and URLs of a dialect that is
// not linked in. kUnimplemented, too: a member that stands for something to
// come. kFailedPrecondition: see Topology::Open.
absl::StatusOr<std::unique_ptr<OpenedTopology>> OpenTopology(
    const std::string& path, OpenTopologyOptions options = {});

}  // namespace shard

#endif  // SHARD_SESSION_OPEN_TOPOLOGY_H_
