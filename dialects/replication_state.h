// How far a copy of a database has come.
#ifndef SHARD_DIALECTS_REPLICATION_STATE_H_
#define SHARD_DIALECTS_REPLICATION_STATE_H_

#include <cstdint>

#include "absl/time/time.h"

namespace shard {

// A moment's answer of one server. Plain value.
struct ReplicationState {
  // It follows another server and takes no writes.
  bool standby = false;
  // In the log of changes, in bytes from its beginning: how much of it a
  // standby shows, or another server has written. Only ever compared within one
  // primary and its standbys.
  std::uint64_t position = 0;
  // How old what it shows is at most. Zero: all that it has received, as on a
  // standby of an idle primary, and on a server that is none.
  // InfiniteDuration(): nobody knows.
  absl::Duration lag;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_REPLICATION_STATE_H_
