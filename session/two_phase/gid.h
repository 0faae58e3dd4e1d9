// Names of transactions over several databases.
#ifndef SHARD_SESSION_TWO_PHASE_GID_H_
#define SHARD_SESSION_TWO_PHASE_GID_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shard {

// "shard1/<cluster>/<decider's identity>/<txn>/<decider's number>/<branch>",
// under 200 bytes. One for each database of a transaction: they differ in the
// branch, which is 0 for the decider, whose part is never prepared; so the one
// with branch 0 names the transaction as a whole. Plain value.
//
// The format outlives releases: what one has prepared, a later one must finish.
struct Gid {
  std::string cluster;
  std::string decider;  // identity in the stamp of the deciding database
  std::string txn;      // 128 random bits as 32 hexadecimal digits
  // The transaction's number at the decider; "0" where it has none.
  std::string number;
  std::uint32_t branch = 0;

  std::string ToString() const;
  // Of the transaction as a whole.
  std::string Transaction() const;
  // What Participant takes: the number, empty where there is none.
  std::string DeciderNumber() const { return number == "0" ? "" : number; }

  // kInvalidArgument for anything that ToString() would not have written.
  static absl::StatusOr<Gid> Parse(std::string_view text);
  // What all of a cluster begin with.
  static std::string Prefix(std::string_view cluster);

  friend bool operator==(const Gid&, const Gid&) = default;
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_GID_H_
