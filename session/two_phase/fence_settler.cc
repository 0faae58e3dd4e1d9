#include "shard/session/two_phase/fence_settler.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/session/two_phase/settlement.h"

namespace shard {
namespace {

// While the file's lock is held nobody else can write to it. The decider's lock
// may be held by a session that waits for this one.
constexpr absl::Duration kPatience = absl::Milliseconds(200);

// One question of a writer's.
class Inquiry {
 public:
  Inquiry(Topology* topology, const std::string* database, Connection* locked)
      : topology_(*topology),
        database_(*database),
        identity_(topology->IdentityOf(*database)),
        dialect_(locked->dialect()),
        locked_(locked->participant()) {}

  absl::Status AskAbout(const FollowMarker& marker) {
    SHARD_ASSIGN_OR_RETURN(const ParticipantList list,
                           ParticipantList::FromJson(marker.participants));
    SHARD_ASSIGN_OR_RETURN(const Gid gid, Gid::Parse(list.gid));
    auto decider = ConnectTo(gid.decider);
    if (!decider.ok()) {
      return Annotate(
          decider.status(),
          absl::StrCat("'", database_, "' may lack its share of ", list.gid));
    }
    FailPoint("fence.send");
    const auto redo =
        AskDecider((*decider)->participant(), gid, identity_, kPatience);
    if (!redo.ok()) {
      // Or it would look like an error of the database that is written to.
      return Annotate(
          redo.status(),
          absl::StrCat("'", database_, "' may lack its share of ", list.gid,
                       ", and its decider, '",
                       topology_.NameOf(topology_.FindByIdentity(gid.decider)),
                       "', cannot tell"));
    }
    return redo->has_value() ? Missing(list.gid) : absl::OkStatus();
  }

  absl::Status AskPeers() {
    SHARD_ASSIGN_OR_RETURN(const std::vector<std::string> peers,
                           locked_.ListPeers());
    for (const std::string& peer : peers) {
      auto decider = ConnectTo(peer);
      if (!decider.ok()) {
        return Annotate(decider.status(),
                        absl::StrCat("'", database_,
                                     "' may lack a share of a transaction"));
      }
      SHARD_RETURN_IF_ERROR(AskPeer((*decider)->participant()));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AskPeer(Participant& decider) {
    FailPoint("fence.peer");
    SHARD_ASSIGN_OR_RETURN(const std::vector<DecisionRow> rows,
                           decider.ListDecisions());
    for (const DecisionRow& row : rows) {
      const auto list = ParticipantList::FromJson(row.participants);
      if (!list.ok() || row.outcome != Decision::kCommit) continue;
      for (const ParticipantEntry& follower : list->followers) {
        if (follower.identity != identity_) continue;
        SHARD_ASSIGN_OR_RETURN(const auto own, locked_.FindDecision(row.txn));
        if (!own.has_value()) return Missing(list->gid);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Connection>> ConnectTo(
      const std::string& identity) {
    const absl::Time until = Now() + kPatience;
    // A file follows files only.
    const absl::StatusOr<Engine*> engine =
        ReachByIdentity(topology_, identity, until, &dialect_);
    if (engine.ok()) return (*engine)->OpenConnection(until);
    if (!absl::IsNotFound(engine.status())) {
      return Annotate(engine.status(), "its decider cannot be reached");
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "it has followed the database of identity ", identity,
        ", which is not in the topology; add it, or, once it is gone for good, "
        "run shardctl forget ",
        identity));
  }

  absl::Status Missing(const std::string& gid) {
    return absl::AbortedError(absl::StrCat(
        "'", database_, "' lacks its share of ", gid,
        ", which is decided and whose owner died; it is applied now, try "
        "again"));
  }

  Topology& topology_;
  const std::string& database_;
  const std::string identity_;
  const Dialect& dialect_;
  Participant& locked_;
};

}  // namespace

absl::Status SettleFence(Topology& topology, const std::string& database,
                         Connection& locked,
                         const std::optional<FollowMarker>& marker,
                         bool ask_peers) {
  Inquiry inquiry(&topology, &database, &locked);
  absl::Status status;
  if (marker.has_value() && !marker->txn.empty()) {
    status = inquiry.AskAbout(*marker);
  }
  if (status.ok() && ask_peers) status = inquiry.AskPeers();
  if (absl::IsAborted(status)) {
    Recoverer::Of(topology, {.background = false}).WantRedo();
  }
  return status;
}

namespace {

[[maybe_unused]] const bool registered = RegisterFenceSettler(&SettleFence);

}  // namespace
}  // namespace shard
