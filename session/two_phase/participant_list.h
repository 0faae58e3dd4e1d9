// Who took part in a transaction, as a decision row records it.
#ifndef SHARD_SESSION_TWO_PHASE_PARTICIPANT_LIST_H_
#define SHARD_SESSION_TWO_PHASE_PARTICIPANT_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shard {

// A database's part in a transaction that another one decides.
struct ParticipantEntry {
  std::string database;  // name in the topology
  std::string identity;  // in the stamp
  std::string gid;       // what was prepared there; of a follower: its branch
  friend bool operator==(const ParticipantEntry&,
                         const ParticipantEntry&) = default;
};

// The `participants` column of shard_decisions, as JSON:
//   {"gid": "shard1/.../0", "prepared": [{"database": "eu", "identity":
//   "9f...",
//    "gid": "shard1/.../1"}], "followers": [...]}
// The followers, whose redo the row holds, are listed like the prepared ones;
// where there are none the member is left out. A follower's own row, and its
// marker, have the gid and no lists. Readers skip what they do not know, so
// later releases may add members.
struct ParticipantList {
  std::string gid;  // of the transaction as a whole
  std::vector<ParticipantEntry> prepared;
  std::vector<ParticipantEntry> followers = {};

  std::string ToJson() const;
  // kDataLoss when the text is not of this form.
  static absl::StatusOr<ParticipantList> FromJson(std::string_view text);
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_PARTICIPANT_LIST_H_
