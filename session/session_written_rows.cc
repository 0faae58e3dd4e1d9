// SessionCore's knowledge of rows that were written past its objects.
#include <algorithm>
#include <memory>
#include <vector>

#include "shard/router/statement_tables.h"
#include "shard/session/session_core.h"
#include "shard/session/share_part.h"
#include "shard/sql/statement.h"

namespace shard {

// What a statement changed behind the objects' backs is read again.
void SessionCore::ExpireWritten(const sql::Statement& statement,
                                const ExecutionOptions& how) {
  if (statement.As<sql::TextStatement>() != nullptr) return;  // of what?
  const sql::Table& table = *TablesOf(statement).front();
  NoteWritten({nullptr, &table});
  if (how.synchronize == Synchronize::kNone) return;
  const auto* insert = statement.As<sql::InsertStatement>();
  if (insert != nullptr && !insert->on_conflict.has_value()) return;
  identity_map_.ForEach([&](const std::shared_ptr<EntityBase>& object) {
    if (&object->mapping().table() == &table) ExpireLoaded(*object);
  });
}

void SessionCore::NoteWritten(const WrittenRows& rows) {
  if (std::find(written_rows_.begin(), written_rows_.end(), rows) ==
      written_rows_.end()) {
    written_rows_.push_back(rows);
  }
}

void SessionCore::NoteTextWrote(const sql::Statement& statement,
                                const std::vector<SharePart>& parts) {
  if (statement.As<sql::TextStatement>() == nullptr) return;
  for (const SharePart& part : parts) {
    if (part.affected > 0) NoteWritten({part.share->bind().engine, nullptr});
  }
}

bool SessionCore::IsAmongWritten(const EntityBase& object) const {
  return std::any_of(
      written_rows_.begin(), written_rows_.end(), [&](const WrittenRows& rows) {
        const InstanceState& state = InstanceAccess::State(object);
        return (rows.engine == nullptr || rows.engine == state.engine) &&
               (rows.table == nullptr || rows.table == &state.mapping->table());
      });
}

}  // namespace shard
