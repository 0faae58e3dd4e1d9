// The databases that belong together.
#ifndef SHARD_ROUTER_TOPOLOGY_H_
#define SHARD_ROUTER_TOPOLOGY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"

namespace shard {

struct TopologyOptions {
  // Name of the whole; part of stamps and of the names of prepared
  // transactions. 1 to 63 letters, digits, '_', '-' and '.'.
  std::string cluster = "main";
  // Every database by name (the same alphabet), each once.
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> databases = {};
  // Of the slot map. Who still has an older one may read but not write.
  std::int64_t epoch = 1;
  // Stamp a database that has no stamp yet, and make the tables of the atomic
  // commit there. Off: such a database is refused.
  bool stamp_new = true;
};

// Something that works for a topology for as long as that lives.
class TopologyService {
 public:
  virtual ~TopologyService() = default;
};

class Topology;

// Answers the fences (WriteFence) of every topology in the program; the layer
// above registers one, when it is linked in. See WriteFence::Settle.
using FenceSettler = absl::Status (*)(Topology& topology,
                                      const std::string& database,
                                      Connection& locked,
                                      const std::optional<FollowMarker>& marker,
                                      bool ask_peers);
bool RegisterFenceSettler(FenceSettler settler);

// A cluster's databases. Each carries a stamp: which cluster and shard it is,
// and a random identity. Every connection that an engine of the topology opens
// is checked against it first, so that a wrong URL, a copied file or an
// outdated topology cannot write to the wrong shard. Transactions are atomic
// over databases of one topology.
//
// Once a newer epoch stands in a stamp the engine refuses writes, for sessions
// of every kind: Engine::CheckMayWrite answers kFailedPrecondition. The stamp
// is read when a connection is opened, so with each pass of recovery, and when
// one of the pool has been idle (EngineOptions::health_check_after).
//
// Thread-safe. Keeps its engines alive; an engine is in one topology at a time.
class Topology {
 public:
  // Connects to each database, stamping it if need be. One that cannot be
  // used now (down, a standby, busy, full, no right to log in or to stamp it)
  // is checked when somebody can connect to it, and until then says so to
  // everybody who tries; the others work. kInvalidArgument: bad or repeated
  // names, an engine twice; kFailedPrecondition, naming the databases: a stamp
  // that does not fit, two names for one database (or a copy of it), an engine
  // of another topology.
  // Later connections are checked too: kFailedPrecondition when another
  // database is found there, or, of files, a copy in place of the one from
  // before.
  static absl::StatusOr<std::shared_ptr<Topology>> Open(
      TopologyOptions options);
  ~Topology();
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  // Takes in the databases of `newer` that are not in yet, and its epoch, while
  // sessions work; stamp_new is that of `newer`. Databases that are in already
  // must have the engine that they have; those that `newer` does not name stay.
  // On an error nothing has changed, but that a new database may carry a stamp:
  // kInvalidArgument as Open, and for another cluster or another engine;
  // kFailedPrecondition as Open, and for an older epoch.
  //
  // A newer epoch raises the stamps of all databases that can be reached, the
  // others' once they are. From then on sessions with an older one
  // (SessionOptions::epoch) may read and not write, here and in every process.
  absl::Status Extend(TopologyOptions newer);

  const std::string& cluster() const { return cluster_; }
  // Name and engine of each, as HorizontalOptions takes them. A copy: there may
  // be more of them the next time.
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> databases()
      const;
  std::size_t database_count() const {
    return database_count_.load(std::memory_order_relaxed);
  }
  // Of the slot map.
  std::int64_t epoch() const;
  // OK unless the topology has a slot map that is newer than that of `epoch`:
  // kFailedPrecondition. Always OK for 0. Quick.
  absl::Status CheckEpoch(std::int64_t epoch) const;

  // The name of an engine's database; empty when it is not of this topology.
  std::string NameOf(const Engine* engine) const;
  // The identity in the stamp of the database of that name; empty as long as
  // nobody could connect to it.
  std::string IdentityOf(std::string_view name) const;
  // The database with that identity; null when it is none of those that are
  // known.
  Engine* FindByIdentity(std::string_view identity) const;
  // Makes sure that the file lists, durably, the files of these identities,
  // itself aside, so that it may follow any of them: after a loss of power it
  // asks those that it lists, and cannot be written to as long as one of them
  // cannot be reached. One commit for each pair of files, ever; in a process
  // that knows of it nothing is asked. Before the file is written to: on a
  // connection of its own, so kAborted when another writer holds the file. OK
  // for a database that follows nobody; databases that are no files, or are not
  // known by now, are left out. True when the file was changed: who has read
  // from it before, and not written yet, must begin anew.
  absl::StatusOr<bool> EnsurePeers(const Engine* engine,
                                   const std::vector<std::string>& deciders);
  // Whether EnsurePeers has seen to it.
  bool Lists(const Engine* engine, const std::string& decider) const;

  // The service of this topology, made by the first who asks. It ends before
  // the topology does.
  TopologyService& Service(
      const std::function<std::unique_ptr<TopologyService>(Topology&)>& make);

 private:
  class Stamps;
  explicit Topology(const TopologyOptions& options);
  absl::Status Add(
      const std::vector<std::pair<std::string, std::shared_ptr<Engine>>>&
          databases,
      bool stamp_new);

  const std::string cluster_;
  // Shared with the engines' checks, which may outlive the topology.
  const std::shared_ptr<Stamps> stamps_;
  std::mutex extend_mutex_;  // held while databases are taken in
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>>
      databases_;  // guarded by mutex_
  std::atomic<std::size_t> database_count_ = 0;
  std::unique_ptr<TopologyService> service_;  // guarded by mutex_
};

}  // namespace shard

#endif  // SHARD_ROUTER_TOPOLOGY_H_
