// SessionCore's UPDATEs and DELETEs by criteria that its objects take part in.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/session_core.h"
#include "shard/session/share_part.h"
#include "shard/session/statement_sync.h"

namespace shard {

bool SessionCore::SynchronizesObjects(const sql::Statement& statement,
                                      const ExecutionOptions& how) {
  return how.synchronize != Synchronize::kExpire &&
         how.synchronize != Synchronize::kNone &&
         statement.As<sql::TextStatement>() == nullptr;
}

absl::StatusOr<Result> SessionCore::RunSynchronized(
    const sql::Statement& statement, const sql::Parameters& parameters,
    const std::vector<Share*>& shares, const ExecutionOptions& how) {
  StatementSync sync(&statement, &parameters, &identity_map_);
  SHARD_RETURN_IF_ERROR(sync.Plan(how.synchronize, shares));
  std::vector<SharePart> parts(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    parts[i].share = shares[i];
    SHARD_ASSIGN_OR_RETURN(parts[i].statement,
                           shares[i]->dialect().Compile(sync.statement_on(i)));
    SHARD_RETURN_IF_ERROR(
        BindParameters(*parts[i].statement, parameters, &parts[i].values));
  }
  SHARD_RETURN_IF_ERROR(ExpectToWrite(statement, shares));
  absl::Status status = RunParts(parts);
  if (status.ok()) status = sync.Finish(parts);
  // Of a statement that failed it is not known what it has done.
  ExpireWritten(statement, {.synchronize = status.ok() ? Synchronize::kNone
                                                       : Synchronize::kExpire});
  SHARD_RETURN_IF_ERROR(status);
  for (const auto& object : sync.deleted()) NoteDeleted(object);
  for (const auto& object : sync.expired()) ExpireLoaded(*object);
  return CollectParts(std::move(parts), sync.visible());
}

void SessionCore::NoteDeleted(const std::shared_ptr<EntityBase>& object) {
  InstanceState& state = InstanceAccess::State(*object);
  if (state.dirty || state.marked_deleted) {
    std::erase(work_.changed, object);
    std::erase(work_.deleted, object);
  }
  state.dirty = false;
  state.marked_deleted = false;
  state.written_in_transaction = true;
  loader_.Forget(*object);
  state.object_state = ObjectState::kDeleted;
  work_.gone.push_back(object);
}

}  // namespace shard
