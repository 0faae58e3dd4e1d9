#include "shard/dialects/participant.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard {
namespace {

absl::Status CannotFollow() {
  return absl::UnimplementedError(
      "this database records no work: it prepares, or it decides");
}

}  // namespace

absl::Status Participant::Record() { return CannotFollow(); }

absl::Status Participant::StartFollow(const DecisionRow&, std::size_t) {
  return CannotFollow();
}

absl::StatusOr<std::string> Participant::FinishFollow() {
  return CannotFollow();
}

absl::StatusOr<std::optional<FollowMarker>> Participant::ReadMarker() {
  return std::nullopt;
}

absl::StatusOr<RedoOutcome> Participant::ApplyRedo(const DecisionRow&,
                                                   absl::Duration,
                                                   const AskForRedo&,
                                                   OnConflict,
                                                   std::vector<RedoConflict>*) {
  return CannotFollow();
}

absl::Status Participant::ClearMarker(std::string_view) {
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Participant::ListPeers() {
  return std::vector<std::string>();
}

absl::StatusOr<bool> Participant::AddPeers(const std::vector<std::string>&) {
  return absl::OkStatus();
}

absl::Status Participant::RemovePeers(const std::vector<std::string>&,
                                      absl::Duration) {
  return absl::OkStatus();
}

absl::StatusOr<bool> Participant::GiveUpMarker(std::string_view,
                                               absl::Duration) {
  return false;
}

}  // namespace shard
