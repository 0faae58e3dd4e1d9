// How far a load is, as its database knows it.
#ifndef SHARD_SESSION_LOAD_RECORD_H_
#define SHARD_SESSION_LOAD_RECORD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/session/load.h"
#include "shard/session/session_core.h"
#include "shard/sql/table.h"

namespace shard {

// shard_loads: a row for each named load.
const sql::Table& LoadsTable();

// All rows, by name, or the one of a name. The table must be there.
absl::StatusOr<std::vector<LoadState>> ReadLoads(
    SessionCore& session, const std::shared_ptr<Engine>& home);
absl::StatusOr<std::optional<LoadState>> ReadLoad(
    SessionCore& session, const std::shared_ptr<Engine>& home,
    std::string_view name);

// Whether there was one to delete.
absl::StatusOr<bool> DeleteLoad(SessionCore& session,
                                const std::shared_ptr<Engine>& home,
                                std::string_view name);

// The row of one load, as this process left it. The row names the run that took
// it up last: a process whose row another one took finds that out. All but
// state() works in the transaction of the session that it is given. Not
// thread-safe.
class LoadRecord {
 public:
  LoadRecord(std::shared_ptr<Engine> home, std::string name)
      : home_(std::move(home)) {
    state_.name = std::move(name);
  }

  // Takes up the load of that name, or begins it; from whoever had it, behind
  // any transaction that holds its row. kFailedPrecondition: it has loaded from
  // another source, unless `accept_changed` and it is not finished.
  // kAlreadyExists, kAborted: another process has begun it just now; try again.
  absl::Status TakeUp(SessionCore& session, const std::string& source,
                      bool accept_changed);

  // Locks the row until the transaction ends, behind any other that holds it:
  // a commit whose answer is missing may be still on its way. False: it does
  // not stand any more where this run left it.
  absl::StatusOr<bool> Lock(SessionCore& session);
  // The same where Advance, of this run, has tried to move it.
  absl::StatusOr<bool> HasAdvanced(SessionCore& session);
  // What both of them false means.
  absl::Status TakenError() const;
  // Moves it; Lock must have said true.
  absl::Status Advance(SessionCore& session, const LoadPosition& position,
                       std::uint64_t refused, bool finished);
  // That transaction was committed.
  void Advanced() { state_ = *next_; }

  const LoadState& state() const { return state_; }

 private:
  absl::Status Insert(SessionCore& session);
  absl::Status Begin(SessionCore& session, const std::string& source);
  absl::StatusOr<bool> LockAt(SessionCore& session, const LoadState& state);

  const std::shared_ptr<Engine> home_;
  std::string run_;  // at random, with TakeUp
  LoadState state_;
  std::optional<LoadState> next_;
};

}  // namespace shard

#endif  // SHARD_SESSION_LOAD_RECORD_H_
