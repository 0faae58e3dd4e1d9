#include "shard/session/two_phase/participant_list.h"

#include <string>
#include <string_view>
#include <vector>

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

json ToArray(const std::vector<ParticipantEntry>& entries) {
  json array = json::array();
  for (const ParticipantEntry& entry : entries) {
    array.push_back({{"database", entry.database},
                     {"identity", entry.identity},
                     {"gid", entry.gid}});
  }
  return array;
}

// False when it is not what ToArray makes.
bool FromArray(const json& array, std::vector<ParticipantEntry>* entries) {
  if (!array.is_array()) return false;
  for (const json& entry : array) {
    entries->push_back({TextOf(entry, "database"), TextOf(entry, "identity"),
                        TextOf(entry, "gid")});
    if (entries->back().gid.empty() || entries->back().identity.empty()) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string ParticipantList::ToJson() const {
  json object = {{"gid", gid}, {"prepared", ToArray(prepared)}};
  if (!followers.empty()) object["followers"] = ToArray(followers);
  return object.dump();
}

absl::StatusOr<ParticipantList> ParticipantList::FromJson(
    std::string_view text) {
  const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  ParticipantList list;
  list.gid = TextOf(parsed, "gid");
  bool readable = !list.gid.empty() && parsed.contains("prepared") &&
                  FromArray(parsed["prepared"], &list.prepared);
  if (readable && parsed.contains("followers")) {
    readable = FromArray(parsed["followers"], &list.followers);
  }
  if (readable) return list;
  return absl::DataLossError(absl::StrCat(
      "the participants of a decision row cannot be read: ", ToAbsl(text)));
}

}  // namespace shard
