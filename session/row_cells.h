// Whole rows of a table, as values.
#ifndef SHARD_SESSION_ROW_CELLS_H_
#define SHARD_SESSION_ROW_CELLS_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "shard/session/entity_base.h"
#include "shard/sql/select.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"

namespace shard {

// All columns, of rows that are locked for writing.
sql::SelectStatement SelectForUpdate(const sql::Table& table);

// "column = :column".
sql::Expression EqualsParameter(const sql::Column& column);

// For messages: the class of the table, or its name in quotes.
std::string NameOfRowsIn(const sql::Table& table);

std::vector<sql::Value> OwnedCells(absl::Span<const sql::ValueView> cells);

// Puts what was assigned in an object, SQL aside, and the next version, in
// place of what its row has.
void TakeChanges(EntityBase& object, std::vector<sql::Value>& cells);

}  // namespace shard

#endif  // SHARD_SESSION_ROW_CELLS_H_
