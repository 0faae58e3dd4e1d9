#include "shard/router/topology.h"

#include <algorithm>
#include <cstddef>
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
  explicit Stamps(const TopologyOptions& options)
      : cluster_(options.cluster),
        epoch_(options.epoch),
        stamp_new_(options.stamp_new) {
    for (const auto& [name, engine] : options.databases) {
      Entry entry;
      entry.name = name;
      entry.engine = engine.get();
      entries_.push_back(std::move(entry));
    }
  }

  // Writers ask `topology` from now on; null: nobody.
  void SetFences(Topology* topology) {
    for (const Entry& entry : entries_) {
      if (topology == nullptr || g_fence_settler == nullptr) {
        entry.fence->set_settle(nullptr);
        continue;
      }
      entry.fence->set_settle([topology, name = entry.name](Connection& locked,
                                                            const auto& marker,
                                                            bool ask_peers) {
        return g_fence_settler(*topology, name, locked, marker, ask_peers);
      });
    }
  }

  absl::Status Watch() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      SHARD_RETURN_IF_ERROR(entries_[i].engine->SetConnectCheck(
          this,
          [self = shared_from_this(), i](Connection& connection) {
            return self->Check(i, connection);
          },
          [self = shared_from_this(), i] { return self->MayWrite(i); }));
    }
    return absl::OkStatus();
  }

  struct Entry {
    std::string name;
    Engine* engine = nullptr;
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
    for (const Entry& entry : entries_) {
      if (entry.engine != engine || !entry.can_follow) continue;
      for (const Entry& other : entries_) {
        if (&other != &entry && other.can_follow &&
            Contains(identities, other.identity) &&
            !Contains(entry.peers, other.identity)) {
          missing.push_back(other.identity);
        }
      }
    }
    return missing;
  }

  bool Lists(const Engine* engine, const std::string& identity) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) {
      return e.engine == engine && Contains(e.peers, identity);
    });
  }

  void NotePeers(const Engine* engine, const std::vector<std::string>& peers) {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
      if (entry.engine != engine) continue;
      entry.peers.insert(entry.peers.end(), peers.begin(), peers.end());
    }
  }

  template <class Predicate>
  std::optional<Entry> Find(const Predicate& predicate) const {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (predicate(entry)) return entry;
    }
    return std::nullopt;
  }

 private:
  absl::Status MayWrite(std::size_t index) const {
    const std::lock_guard lock(mutex_);
    return entries_[index].may_write;
  }

  static bool Contains(const std::vector<std::string>& list,
                       const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  }

  absl::Status Check(std::size_t index, Connection& connection) {
    Participant& participant = connection.participant();
    const std::string& name = entries_[index].name;
    // Its stamp is the primary's, and would fit.
    if (participant.standby()) return Standby(name);
    const std::string location = participant.location();
    SHARD_RETURN_IF_ERROR(NoteLocation(index, location));
    SHARD_ASSIGN_OR_RETURN(std::optional<Stamp> stamp, participant.ReadStamp());
    if (!stamp.has_value()) {
      SHARD_ASSIGN_OR_RETURN(stamp, MakeStamp(name, participant));
    }
    SHARD_RETURN_IF_ERROR(CheckFits(name, *stamp));
    if (stamp->epoch < epoch_) {
      stamp->epoch = epoch_;
      SHARD_ASSIGN_OR_RETURN(stamp, participant.PutStamp(*stamp));
    }
    SHARD_RETURN_IF_ERROR(
        Note(index, *stamp, location, participant.can_follow()));
    if (participant.can_follow()) {
      participant.set_write_fence(entries_[index].fence);
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

  absl::StatusOr<Stamp> MakeStamp(const std::string& name,
                                  Participant& participant) const {
    if (!stamp_new_) {
      return absl::FailedPreconditionError(
          absl::StrCat("database '", name,
                       "' has no stamp; if it is the right "
                       "one, open the topology once with stamp_new"));
    }
    SHARD_ASSIGN_OR_RETURN(std::string identity, RandomHex(16));
    return participant.PutStamp(
        {cluster_, name, std::move(identity), epoch_, kPlacementName});
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

  absl::Status NoteLocation(std::size_t index, const std::string& location) {
    const std::lock_guard lock(mutex_);
    for (const Entry& other : entries_) {
      if (!location.empty() && &other != &entries_[index] &&
          other.location == location) {
        return SameDatabase(other, entries_[index]);
      }
    }
    // Once it is known for the right one it stays: see Note.
    Entry& entry = entries_[index];
    if (entry.identity.empty()) entry.location = location;
    return absl::OkStatus();
  }

  absl::Status Note(std::size_t index, const Stamp& stamp,
                    const std::string& location, bool can_follow) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[index];
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
    for (const Entry& other : entries_) {
      if (&other == &entry || other.identity != stamp.identity) continue;
      return SameDatabase(other, entry);
    }
    entry.identity = stamp.identity;
    entry.can_follow = can_follow;
    entry.may_write = absl::OkStatus();
    if (stamp.epoch > epoch_) {
      entry.may_write = absl::FailedPreconditionError(absl::StrCat(
          "database '", entry.name, "' has slot map epoch ", stamp.epoch,
          " and this topology has ", epoch_,
          ", so rows may belong elsewhere: it may be read but not written; "
          "restart with the newer topology"));
    }
    return absl::OkStatus();
  }

  const std::string cluster_;
  const std::int64_t epoch_;
  const bool stamp_new_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

absl::StatusOr<std::shared_ptr<Topology>> Topology::Open(
    TopologyOptions options) {
  SHARD_RETURN_IF_ERROR(CheckOptions(options));
  std::shared_ptr<Topology> topology(new Topology(std::move(options)));
  topology->stamps_->SetFences(topology.get());
  SHARD_RETURN_IF_ERROR(topology->stamps_->Watch());
  for (const auto& [name, engine] : topology->databases()) {
    const absl::Status status = engine->Connect().status();
    // One that is down, full or busy must not keep the others from work, nor
    // one that lets nobody in: it says so to whoever connects. A wrong database
    // must.
    if (absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status)) {
      return status;
    }
  }
  return topology;
}

Topology::Topology(TopologyOptions options)
    : options_(std::move(options)),
      stamps_(std::make_shared<Stamps>(options_)) {}

Topology::~Topology() {
  stamps_->SetFences(nullptr);
  service_.reset();
  for (const auto& [name, engine] : options_.databases) {
    engine->RemoveConnectCheck(stamps_.get());
  }
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
