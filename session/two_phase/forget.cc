#include "shard/session/two_phase/forget.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/survey.h"

namespace shard {
namespace {

bool Names(const std::vector<ParticipantEntry>& entries,
           std::string_view identity) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const ParticipantEntry& entry) {
                       return entry.identity == identity;
                     });
}

bool HasRow(const SurveyedDatabase& database, const std::string& txn) {
  return std::any_of(database.decisions.begin(), database.decisions.end(),
                     [&](const DecisionRow& row) { return row.txn == txn; });
}

class Forgetting {
 public:
  Forgetting(Survey* survey, std::string_view identity, absl::Duration patience)
      : survey_(*survey), identity_(identity), patience_(patience) {}

  ForgetReport Run() {
    for (SurveyedDatabase& database : survey_.databases) {
      absl::Status status = database.error;
      if (status.ok()) status = ForgetAt(database);
      if (!status.ok()) report_.problems.push_back({database.name, status});
    }
    return std::move(report_);
  }

 private:
  absl::Status ForgetAt(SurveyedDatabase& database) {
    std::vector<std::string> removable;
    absl::Status unfinished;
    for (const DecisionRow& row : database.decisions) {
      const auto list = ParticipantList::FromJson(row.participants);
      if (!list.ok()) continue;
      if (IsFollowerRow(row, database.identity)) {
        const auto gid = Gid::Parse(list->gid);
        if (gid.ok() && gid->decider == identity_) removable.push_back(row.txn);
      } else if (Names(list->prepared, identity_) ||
                 Names(list->followers, identity_)) {
        const absl::Status finished = CheckFinished(row.txn, *list);
        if (finished.ok()) removable.push_back(row.txn);
        unfinished.Update(finished);
      }
    }
    if (!removable.empty()) {
      SHARD_RETURN_IF_ERROR(
          database.Ask(patience_).DeleteDecisions(removable, patience_));
      SHARD_RETURN_IF_ERROR(database.Ask(patience_).SyncDecisions());
      report_.decisions_removed += removable.size();
    }
    SHARD_RETURN_IF_ERROR(GiveUpMarker(database));
    SHARD_RETURN_IF_ERROR(database.Ask(patience_).RemovePeers(
        {std::string(identity_)}, patience_));
    return unfinished;
  }

  // One with a row goes with the row.
  absl::Status GiveUpMarker(SurveyedDatabase& database) {
    SHARD_ASSIGN_OR_RETURN(const auto marker,
                           database.Ask(patience_).ReadMarker());
    if (!marker.has_value() || marker->txn.empty()) return absl::OkStatus();
    const auto list = ParticipantList::FromJson(marker->participants);
    if (!list.ok()) return absl::OkStatus();
    const auto gid = Gid::Parse(list->gid);
    if (!gid.ok() || gid->decider != identity_) return absl::OkStatus();
    SHARD_ASSIGN_OR_RETURN(
        const bool given_up,
        database.Ask(patience_).GiveUpMarker(marker->txn, patience_));
    if (given_up) report_.given_up.push_back({database.name, list->gid});
    return absl::OkStatus();
  }

  // On all but the one that is gone.
  absl::Status CheckFinished(const std::string& txn,
                             const ParticipantList& list) {
    if (!survey_.complete()) {
      return absl::UnavailableError(absl::StrCat(
          "its decision over transaction ", list.gid, " must stay, since ",
          survey_.Missing(), " cannot be read"));
    }
    std::string missing;
    for (const SurveyedDatabase& database : survey_.databases) {
      const bool lacks =
          Names(list.followers, database.identity) && !HasRow(database, txn);
      if (lacks || IsPreparedAt(database, txn)) missing = database.name;
    }
    for (const auto* entries : {&list.prepared, &list.followers}) {
      for (const ParticipantEntry& entry : *entries) {
        const bool known = survey_.FindByIdentity(entry.identity) != nullptr;
        if (!known && entry.identity != identity_) missing = entry.database;
      }
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("its decision over transaction ", list.gid,
                     " must stay, since it is not known to be finished on '",
                     missing, "'; run recovery, then forget again"));
  }

  static bool IsPreparedAt(const SurveyedDatabase& database,
                           const std::string& txn) {
    return std::any_of(database.prepared.begin(), database.prepared.end(),
                       [&](const PreparedTransaction& prepared) {
                         const auto gid = Gid::Parse(prepared.gid);
                         return gid.ok() && gid->txn == txn;
                       });
  }

  Survey& survey_;
  const std::string_view identity_;
  const absl::Duration patience_;
  ForgetReport report_;
};

}  // namespace

absl::StatusOr<ForgetReport> ForgetDatabase(Topology& topology,
                                            std::string_view identity,
                                            absl::Duration patience) {
  Survey survey = Survey::Take(topology, patience);
  if (survey.FindByIdentity(identity) != nullptr) {
    return absl::FailedPreconditionError(
        "that database is in the topology; take it out first, after check "
        "--remove has said that it may go");
  }
  return Forgetting(&survey, identity, patience).Run();
}

}  // namespace shard
