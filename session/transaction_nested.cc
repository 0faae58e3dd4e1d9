// A Transaction's savepoints, on all of its databases.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/fan_out.h"
#include "shard/session/transaction.h"

namespace shard {

std::string Transaction::SavepointName(std::size_t depth) {
  return absl::StrCat("shard_nested_", depth);
}

absl::Status Transaction::OnAll(const std::string& script) {
  std::vector<FanOutTask> tasks;
  for (const auto& share : shares_) {
    if (!share->open()) continue;
    tasks.push_back({&share->connection(),
                     [&script, share = share.get()] {
                       absl::Status status = share->Resume(false);
                       if (status.ok()) {
                         status = share->connection().StartScript(script);
                       }
                       return status.ok() ? status : share->Failed(status);
                     },
                     [share = share.get()] {
                       const absl::Status status =
                           share->connection().FinishScript();
                       return status.ok() ? status : share->Failed(status);
                     },
                     absl::OkStatus()});
  }
  return FanOut(absl::MakeSpan(tasks));
}

absl::Status Transaction::BeginNested() {
  SHARD_RETURN_IF_ERROR(CheckBegun());
  SHARD_RETURN_IF_ERROR(CheckNotPrepared());
  SHARD_RETURN_IF_ERROR(CheckHealthy());
  SHARD_RETURN_IF_ERROR(
      OnAll(absl::StrCat("SAVEPOINT ", SavepointName(depth_ + 1))));
  ++depth_;
  for (const auto& share : shares_) {
    share->set_depth(depth_);
    if (share->open()) {
      share->connection().NoteSavepoint(SavepointName(depth_));
      share->NestedBegun();
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::CommitNested() {
  SHARD_RETURN_IF_ERROR(CheckHealthy());
  SHARD_RETURN_IF_ERROR(CheckMayEndNested(false));
  SHARD_RETURN_IF_ERROR(
      OnAll(absl::StrCat("RELEASE SAVEPOINT ", SavepointName(depth_))));
  NoteReleased(false);
  return absl::OkStatus();
}

absl::Status Transaction::RollbackNested() {
  SHARD_RETURN_IF_ERROR(CheckMayEndNested(true));
  const std::string name = SavepointName(depth_);
  SHARD_RETURN_IF_ERROR(OnAll(absl::StrCat("ROLLBACK TO SAVEPOINT ", name,
                                           "; RELEASE SAVEPOINT ", name)));
  for (const auto& share : shares_) share->ForgetErrors(depth_);
  NoteReleased(true);
  return absl::OkStatus();
}

absl::Status Transaction::CheckMayEndNested(bool rolls_back) const {
  for (const auto& share : shares_) {
    const absl::Status status = share->CheckMayEndNested(rolls_back);
    if (!status.ok()) return share->Refused(status);
  }
  return absl::OkStatus();
}

void Transaction::NoteReleased(bool rolled_back) {
  const std::string name = SavepointName(depth_--);
  for (const auto& share : shares_) {
    share->set_depth(depth_);
    if (!share->open()) continue;
    share->connection().NoteReleased(name);
    share->NestedEnded(rolled_back);
  }
}

}  // namespace shard
