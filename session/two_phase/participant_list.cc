#include "shard/session/two_phase/participant_list.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "shard/base/strings.h"

namespace shard {
namespace {

using nlohmann::json;

// Empty when it is not there, or no text.
std::string TextOf(const json& object, const char* member) {
  if (!object.is_object()) return "";
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string();
}

}  // namespace

std::string ParticipantList::ToJson() const {
  json entries = json::array();
  for (const ParticipantEntry& entry : prepared) {
    entries.push_back({{"database", entry.database},
                       {"identity", entry.identity},
                       {"gid", entry.gid}});
  }
  return json({{"gid", gid}, {"prepared", std::move(entries)}}).dump();
}

absl::StatusOr<ParticipantList> ParticipantList::FromJson(
    std::string_view text) {
  const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  ParticipantList list;
  if (parsed.is_object()) list.gid = TextOf(parsed, "gid");
  const auto prepared =
      parsed.is_object() ? parsed.find("prepared") : parsed.end();
  bool readable =
      !list.gid.empty() && prepared != parsed.end() && prepared->is_array();
  if (readable) {
    for (const json& entry : *prepared) {
      list.prepared.push_back({TextOf(entry, "database"),
                               TextOf(entry, "identity"),
                               TextOf(entry, "gid")});
      readable = readable && !list.prepared.back().gid.empty() &&
                 !list.prepared.back().identity.empty();
    }
  }
  if (readable) return list;
  return absl::DataLossError(absl::StrCat(
      "the participants of a decision row cannot be read: ", ToAbsl(text)));
}

}  // namespace shard
