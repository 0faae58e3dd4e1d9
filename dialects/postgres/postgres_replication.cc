#include "shard/dialects/postgres/postgres_replication.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"

namespace shard::postgres {
namespace {

// A standby that has replayed all it received lags behind nobody as far as it
// knows, however old the last transaction: nothing may have happened since. It
// knows only as long as somebody sends; of the sender others than monitors see
// nothing but that there is one.
constexpr char kQuery[] = R"sql(SELECT standby,
CASE WHEN standby THEN pg_catalog.pg_last_wal_replay_lsn()
ELSE pg_catalog.pg_current_wal_insert_lsn() END
- '0/0'::pg_catalog.pg_lsn,
CASE WHEN NOT standby THEN 0
WHEN pg_catalog.pg_last_wal_receive_lsn()
<= pg_catalog.pg_last_wal_replay_lsn()
AND EXISTS (SELECT FROM pg_catalog.pg_stat_get_wal_receiver() AS receiver
WHERE receiver.pid IS NOT NULL) THEN 0
ELSE EXTRACT(epoch FROM pg_catalog.clock_timestamp()
- pg_catalog.pg_last_xact_replay_timestamp()) END
FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS role)sql";

// Where a record ends with its page the next one will begin behind the next
// page's header, and that is what the server names; a standby that has replayed
// all names the end of the page.
std::uint64_t EndOfRecord(std::uint64_t position) {
  constexpr std::uint64_t kPage = 8192, kHeader = 24;
  return position % kPage == kHeader ? position - kHeader : position;
}

}  // namespace

absl::StatusOr<ReplicationState> ReadReplication(Link& link) {
  constexpr std::size_t kColumns = 3;
  SHARD_ASSIGN_OR_RETURN(const TextRows rows, link.LookUp(kQuery, {}));
  ReplicationState state;
  if (rows.size() != 1 || rows[0].size() != kColumns ||
      !absl::SimpleAtoi(rows[0][1], &state.position)) {
    return absl::InternalError("the server does not say where its log is");
  }
  state.standby = rows[0][0] == "t";
  if (!state.standby) state.position = EndOfRecord(state.position);
  double seconds = 0;
  // NULL: it has replayed no transaction yet.
  state.lag = absl::SimpleAtod(rows[0][2], &seconds)
                  ? absl::Seconds(seconds < 0 ? 0 : seconds)
                  : absl::InfiniteDuration();
  return state;
}

}  // namespace shard::postgres
