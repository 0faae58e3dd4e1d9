#include "shard/router/topology.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "shard/base/random_hex.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/write_fence.h"
#include "shard/router/placement.h"

namespace shard {
namespace {

constexpr std::size_t kLongestName = 63;

FenceSettler g_fence_settler = nullptr;

absl::Status CheckName(const char* what, std::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kLongestName &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
      });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(name), "' cannot be the name of a ", what,
                   "; use 1 to 63 letters, digits, '_', '-' and '.'"));
}

absl::Status CheckOptions(const TopologyOptions& options) {
  SHARD_RETURN_IF_ERROR(CheckName("cluster", options.cluster));
  if (options.databases.empty()) {
    return absl::InvalidArgumentError("a topology needs at least one database");
  }
  absl::flat_hash_set<std::string> names;
  absl::flat_hash_set<const Engine*> engines;
  for (const auto& [name, engine] : options.databases) {
    SHARD_RETURN_IF_ERROR(CheckName("database", name));
    if (engine == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("database '", name, "' of the topology has no engine"));
    }
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("the topology names '", name, "' twice"));
    }
    if (!engines.insert(engine.get()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("database '", name,
                       "' of the topology has the engine of another one"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool RegisterFenceSettler(FenceSettler settler) {
  g_fence_settler = settler;
  return true;
}

// What is known of the databases, and the check of their connections.
class Topology::Stamps : public std::enable_shared_from_this<Stamps> {
 public:
  Stamps(std::string cluster, std::int64_t epoch)
      : cluster_(std::move(cluster)), epoch_(epoch) {}

  struct Entry;

  // From now on connections to it are checked, and its writers ask `topology`.
  absl::Status Watch(const std::string& name, Engine* engine, bool stamp_new,
                     Topology* topology) {
    const auto entry = std::make_shared<Entry>();
    entry->name = name;
    entry->engine = engine;
    entry->stamp_new = stamp_new;
    SetFence(*entry, topology);
    {
      const std::lock_guard lock(mutex_);
      entries_.push_back(entry);
    }
    const auto self = shared_from_this();
    const absl::Status status = engine->SetConnectCheck(
        this,
        [self, entry](Connection& connection) {
          return self->Check(*entry, connection);
        },
        [self, entry] { return self->MayWrite(*entry); });
    if (!status.ok()) Unwatch(engine);
    return status;
  }

  void Unwatch(Engine* engine) {
    engine->RemoveConnectCheck(this);
    std::shared_ptr<Entry> entry;
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(
          entries_.begin(), entries_.end(),
          [&](const auto& each) { return each->engine == engine; });
      if (found == entries_.end()) return;
      entry = *found;
      entries_.erase(found);
    }
    SetFence(*entry, nullptr);
  }

  void RemoveFences() {
    std::vector<std::shared_ptr<Entry>> entries;
    {
      const std::lock_guard lock(mutex_);
      entries = entries_;
    }
    // Not under the lock: it waits for those who ask, and they take it.
    for (const auto& entry : entries) SetFence(*entry, nullptr);
  }

  std::int64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  void set_epoch(std::int64_t epoch) {
    epoch_.store(epoch, std::memory_order_release);
  }

  struct Entry {
    std::string name;
    Engine* engine = nullptr;
    bool stamp_new = true;
    std::shared_ptr<WriteFence> fence = std::make_shared<WriteFence>();
    std::string identity;  // guarded by mutex_, as all below
    std::string location;  // see Participant::location
    absl::Status may_write;
    bool can_follow = false;
    std::vector<std::string> peers;  // that it is known to list
  };

  // Those of the files among `identities` that another file is not known to
  // list.
  std::vector<std::string> MissingPeers(
      const Engine* engine, const std::vector<std::string>& identities) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> missing;
    for (const auto& entry : entries_) {
      if (entry->engine != engine || !entry->can_follow) continue;
      for (const auto& other : entries_) {
        if (other != entry && other->can_follow &&
            Contains(identities, other->identity) &&
            !Contains(entry->peers, other->identity)) {
          missing.push_back(other->identity);
        }
      }
    }
    return missing;
  }

  bool Lists(const Engine* engine, const std::string& identity) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& e) {
      return e->engine == engine && Contains(e->peers, identity);
    });
  }

  void NotePeers(const Engine* engine, const std::vector<std::string>& peers) {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry->engine != engine) continue;
      entry->peers.insert(entry->peers.end(), peers.begin(), peers.end());
    }
  }

  template <class Predicate>
  std::optional<Entry> Find(const Predicate& predicate) const {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
      if (predicate(*entry)) return *entry;
    }
    return std::nullopt;
  }

 private:
  static void SetFence(Entry& entry, Topology* topology) {
    if (topology == nullptr || g_fence_settler == nullptr) {
      entry.fence->set_settle(nullptr);
      return;
    }
    entry.fence->set_settle([topology, name = entry.name](Connection& locked,
                                                          const auto& marker,
                                                          bool ask_peers) {
      return g_fence_settler(*topology, name, locked, marker, ask_peers);
    });
  }

  absl::Status MayWrite(const Entry& entry) const {
    const std::lock_guard lock(mutex_);
    return entry.may_write;
  }

  static bool Contains(const std::vector<std::string>& list,
                       const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  }

  absl::Status Check(Entry& entry, Connection& connection) {
    Participant& participant = connection.participant();
    const std::string& name = entry.name;
    // Its stamp is the primary's, and would fit.
    if (participant.standby()) return Standby(name);
    const std::string location = participant.location();
    SHARD_RETURN_IF_ERROR(NoteLocation(entry, location));
    SHARD_ASSIGN_OR_RETURN(std::optional<Stamp> stamp, participant.ReadStamp());
    if (!stamp.has_value()) {
      SHARD_ASSIGN_OR_RETURN(stamp, MakeStamp(entry, participant));
    }
    SHARD_RETURN_IF_ERROR(CheckFits(name, *stamp));
    if (const std::int64_t ours = epoch(); stamp->epoch < ours) {
      stamp->epoch = ours;
      SHARD_ASSIGN_OR_RETURN(stamp, participant.PutStamp(*stamp));
    }
    SHARD_RETURN_IF_ERROR(
        Note(entry, *stamp, location, participant.can_follow()));
    if (participant.can_follow()) {
      participant.set_write_fence(entry.fence);
    }
    return absl::OkStatus();
  }

  static absl::Status Standby(const std::string& name) {
    return absl::UnavailableError(absl::StrCat(
        "the server of database '", name,
        "' is a standby, which cannot take part: it takes no writes and does "
        "not show what is prepared; name the primary in the URL, or promote "
        "the standby"));
  }

  absl::StatusOr<Stamp> MakeStamp(const Entry& entry,
                                  Participant& participant) const {
    const std::string& name = entry.name;
    if (!entry.stamp_new) {
      return absl::FailedPreconditionError(
          absl::StrCat("database '", name,
                       "' has no stamp; if it is the right "
                       "one, open the topology once with stamp_new"));
    }
    SHARD_ASSIGN_OR_RETURN(std::string identity, RandomHex(16));
    return participant.PutStamp(
        {cluster_, name, std::move(identity), epoch(), kPlacementName});
  }

  absl::Status CheckFits(const std::string& name, const Stamp& stamp) const {
    const auto wrong = [&](const char* what, const std::string& found,
                           const std::string& expected) {
      return absl::FailedPreconditionError(absl::StrCat(
          "database '", name, "' is stamped as ", what, " '", found, "', not '",
          expected, "': the URL leads to another database"));
    };
    if (stamp.cluster != cluster_) {
      return wrong("one of cluster", stamp.cluster, cluster_);
    }
    if (stamp.shard != name) return wrong("database", stamp.shard, name);
    if (stamp.hash != kPlacementName) {
      return absl::FailedPreconditionError(
          absl::StrCat("database '", name, "' places its rows by '", stamp.hash,
                       "', which this release does not know; it knows '",
                       kPlacementName, "'"));
    }
    return absl::OkStatus();
  }

  static absl::Status SameDatabase(const Entry& one, const Entry& other) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", one.name, "' and '", other.name,
        "' are the same database, or one is a copy of the other; each database "
        "may stand in a topology once"));
  }

  absl::Status NoteLocation(Entry& entry, const std::string& location) {
    const std::lock_guard lock(mutex_);
    for (const auto& other : entries_) {
      if (!location.empty() && other.get() != &entry &&
          other->location == location) {
        return SameDatabase(*other, entry);
      }
    }
    // Once it is known for the right one it stays: see Note.
    if (entry.identity.empty()) entry.location = location;
    return absl::OkStatus();
  }

  absl::Status Note(Entry& entry, const Stamp& stamp,
                    const std::string& location, bool can_follow) {
    const std::lock_guard lock(mutex_);
    if (!entry.identity.empty() && entry.identity != stamp.identity) {
      return absl::FailedPreconditionError(absl::StrCat(
          "database '", entry.name,
          "' is another one than before (its stamp's "
          "identity changed); was it replaced? Restart with the right one"));
    }
    if (!entry.identity.empty() && entry.location != location) {
      // Connections from before write to the other file still.
      return absl::FailedPreconditionError(absl::StrCat(
          "database '", entry.name,
          "' is another file than before, with the same stamp: it was replaced "
          "by a copy, perhaps an older one, under a running program. End all "
          "programs that have it open, and start them again with the right "
          "one"));
    }
    for (const auto& other : entries_) {
      if (other.get() == &entry || other->identity != stamp.identity) continue;
      return SameDatabase(*other, entry);
    }
    entry.identity = stamp.identity;
    entry.can_follow = can_follow;
    entry.may_write = absl::OkStatus();
    if (const std::int64_t ours = epoch(); stamp.epoch > ours) {
      entry.may_write = absl::FailedPreconditionError(absl::StrCat(
          "database '", entry.name, "' has slot map epoch ", stamp.epoch,
          " and this topology has ", ours,
          ", so rows may belong elsewhere: it may be read but not written; "
          "restart with the newer topology"));
    }
    return absl::OkStatus();
  }

  const std::string cluster_;
  std::atomic<std::int64_t> epoch_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Entry>> entries_;
};

absl::StatusOr<std::shared_ptr<Topology>> Topology::Open(
    TopologyOptions options) {
  SHARD_RETURN_IF_ERROR(CheckOptions(options));
  std::shared_ptr<Topology> topology(new Topology(options));
  SHARD_RETURN_IF_ERROR(topology->Add(options.databases, options.stamp_new));
  return topology;
}

Topology::Topology(const TopologyOptions& options)
    : cluster_(options.cluster),
      stamps_(std::make_shared<Stamps>(options.cluster, options.epoch)) {}

Topology::~Topology() {
  stamps_->RemoveFences();
  service_.reset();
  for (const auto& [name, engine] : databases_) {
    engine->RemoveConnectCheck(stamps_.get());
  }
}

absl::Status Topology::Add(
    const std::vector<std::pair<std::string, std::shared_ptr<Engine>>>&
        databases,
    bool stamp_new) {
  std::vector<Engine*> watched;
  absl::Status status;
  for (const auto& [name, engine] : databases) {
    status = stamps_->Watch(name, engine.get(), stamp_new, this);
    if (!status.ok()) break;
    watched.push_back(engine.get());
  }
  for (std::size_t i = 0; status.ok() && i < databases.size(); ++i) {
    const absl::Status connected = databases[i].second->Connect().status();
    // One that is down, full or busy must not keep the others from work, nor
    // one that lets nobody in: it says so to whoever connects. A wrong database
    // must.
    if (absl::IsFailedPrecondition(connected) ||
        absl::IsInvalidArgument(connected)) {
      status = connected;
    }
  }
  if (!status.ok()) {
    for (Engine* const engine : watched) stamps_->Unwatch(engine);
    return status;
  }
  const std::lock_guard lock(mutex_);
  databases_.insert(databases_.end(), databases.begin(), databases.end());
  database_count_.store(databases_.size(), std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status Topology::Extend(TopologyOptions newer) {
  const std::lock_guard one_at_a_time(extend_mutex_);
  SHARD_RETURN_IF_ERROR(CheckOptions(newer));
  if (newer.cluster != cluster_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a topology of cluster '", cluster_,
                     "' cannot become one of '", newer.cluster, "'"));
  }
  if (newer.epoch < epoch()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the topology has slot map epoch ", epoch(),
                     " and cannot go back to ", newer.epoch));
  }
  const auto known = databases();
  for (const auto& [name, engine] : known) {
    const auto same =
        std::find_if(newer.databases.begin(), newer.databases.end(),
                     [&](const auto& each) { return each.first == name; });
    if (same == newer.databases.end()) continue;
    if (same->second != engine) {
      return absl::InvalidArgumentError(
          absl::StrCat("database '", name,
                       "' of the topology has an engine already, which others "
                       "use; open a topology of its own for another one"));
    }
    newer.databases.erase(same);
  }
  SHARD_RETURN_IF_ERROR(Add(newer.databases, newer.stamp_new));
  if (newer.epoch == epoch()) return absl::OkStatus();
  stamps_->set_epoch(newer.epoch);
  // Each connection is checked, and the check raises the stamp. Who is down is
  // raised with the first connection that there is again.
  for (const auto& [name, engine] : databases()) {
    if (engine->is_private()) continue;
    engine->OpenConnection().status().IgnoreError();
  }
  return absl::OkStatus();
}

std::vector<std::pair<std::string, std::shared_ptr<Engine>>>
Topology::databases() const {
  const std::lock_guard lock(mutex_);
  return databases_;
}

std::int64_t Topology::epoch() const { return stamps_->epoch(); }

absl::Status Topology::CheckEpoch(std::int64_t epoch) const {
  if (epoch == 0) return absl::OkStatus();
  const std::int64_t newest = stamps_->epoch();
  if (epoch >= newest) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the session goes by slot map epoch ", epoch,
                   " and the topology has ", newest,
                   " by now, so rows may belong elsewhere: it may read but not "
                   "write; do the work again in a new session"));
}

std::string Topology::NameOf(const Engine* engine) const {
  const auto entry = stamps_->Find(
      [&](const Stamps::Entry& entry) { return entry.engine == engine; });
  return entry.has_value() ? entry->name : "";
}

std::string Topology::IdentityOf(std::string_view name) const {
  const auto entry = stamps_->Find(
      [&](const Stamps::Entry& entry) { return entry.name == name; });
  return entry.has_value() ? entry->identity : "";
}

Engine* Topology::FindByIdentity(std::string_view identity) const {
  if (identity.empty()) return nullptr;
  const auto entry = stamps_->Find(
      [&](const Stamps::Entry& entry) { return entry.identity == identity; });
  return entry.has_value() ? entry->engine : nullptr;
}

absl::StatusOr<bool> Topology::EnsurePeers(
    const Engine* engine, const std::vector<std::string>& deciders) {
  const std::vector<std::string> missing =
      stamps_->MissingPeers(engine, deciders);
  if (missing.empty()) return false;
  for (const auto& [name, database] : databases()) {
    if (database.get() != engine) continue;
    // Durable before anything that may depend on it: so on a connection of its
    // own.
    SHARD_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                           database->OpenConnection());
    SHARD_ASSIGN_OR_RETURN(const bool added,
                           connection->participant().AddPeers(missing));
    stamps_->NotePeers(engine, missing);
    return added;
  }
  return false;
}

bool Topology::Lists(const Engine* engine, const std::string& decider) const {
  return stamps_->Lists(engine, decider);
}

TopologyService& Topology::Service(
    const std::function<std::unique_ptr<TopologyService>(Topology&)>& make) {
  const std::lock_guard lock(mutex_);
  if (service_ == nullptr) service_ = make(*this);
  return *service_;
}

}  // namespace shard
