// What a Transaction tells routers of itself and of those before it.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/session/transaction.h"

namespace shard {

EngineHistory Transaction::With(const Engine& engine) const {
  EngineHistory history;
  for (const Committed& committed : committed_) {
    if (committed.engine != &engine) continue;
    history.wrote = true;
    history.position = committed.position;
  }
  for (const auto& branch : branches_) {
    if (&branch->engine() != &engine || !branch->open()) continue;
    history.in_transaction = true;
    history.wrote = history.wrote || branch->may_have_written();
  }
  return history;
}

void Transaction::NoteCommitted(Branch& branch, bool is_over) {
  if (!branch.may_have_written()) return;
  const Engine* engine = &branch.engine();
  const auto known = std::find_if(
      committed_.begin(), committed_.end(),
      [engine](const Committed& entry) { return entry.engine == engine; });
  Committed& entry =
      known != committed_.end() ? *known : committed_.emplace_back();
  entry.engine = engine;
  entry.position =
      is_over ? PositionBehind(branch) : std::optional<std::uint64_t>();
}

// The commit is over: an error here makes reads go to the primary, and no more.
std::optional<std::uint64_t> Transaction::PositionBehind(Branch& branch) const {
  if (!branch.engine().notes_log_positions()) return std::nullopt;
  Connection& connection = branch.connection();
  if (!connection.usable()) return std::nullopt;
  connection.set_deadline(Now() + options_.finish_timeout);
  const auto state = connection.ReadReplication();
  connection.set_deadline(absl::InfiniteFuture());
  if (!state.ok() || !state->has_value()) return std::nullopt;
  return (*state)->position;
}

}  // namespace shard
