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
  for (const auto& branch : branches_) {
    if (!branch->open()) continue;
    tasks.push_back({&branch->connection(),
                     [&script, branch = branch.get()] {
                       absl::Status status = branch->Resume(false);
                       if (status.ok()) {
                         status = branch->connection().StartScript(script);
                       }
                       return status.ok() ? status : branch->Failed(status);
                     },
                     [branch = branch.get()] {
                       const absl::Status status =
                           branch->connection().FinishScript();
                       return status.ok() ? status : branch->Failed(status);
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
  for (const auto& branch : branches_) {
    branch->set_depth(depth_);
    if (branch->open()) {
      branch->connection().NoteSavepoint(SavepointName(depth_));
      branch->NestedBegun();
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
  for (const auto& branch : branches_) branch->ForgetErrors(depth_);
  NoteReleased(true);
  return absl::OkStatus();
}

absl::Status Transaction::CheckMayEndNested(bool rolls_back) const {
  for (const auto& branch : branches_) {
    const absl::Status status = branch->CheckMayEndNested(rolls_back);
    if (!status.ok()) return branch->Refused(status);
  }
  return absl::OkStatus();
}

void Transaction::NoteReleased(bool rolled_back) {
  const std::string name = SavepointName(depth_--);
  for (const auto& branch : branches_) {
    branch->set_depth(depth_);
    if (!branch->open()) continue;
    branch->connection().NoteReleased(name);
    branch->NestedEnded(rolled_back);
  }
}

}  // namespace shard
