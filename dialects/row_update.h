// UPDATEs of one row that can be done for many rows at once.
#ifndef SHARD_DIALECTS_ROW_UPDATE_H_
#define SHARD_DIALECTS_ROW_UPDATE_H_

#include <memory>
#include <string>
#include <vector>

#include "shard/dialects/table_naming.h"

namespace shard {

namespace sql {
struct UpdateStatement;
}  // namespace sql

// "UPDATE table SET columns = ?, ... WHERE match = ? AND ...": each `?` a
// parameter, in that order, and nothing else. A dialect that is asked for many
// runs of such a statement knows from it how to say them as one. Plain value.
struct RowUpdate {
  std::string schema{};  // empty: it is not said
  std::string table;     // its name in the database
  std::vector<std::string> columns;
  std::vector<std::string> match;
};

// Null when the statement says anything else, or sets what it looks for.
std::shared_ptr<const RowUpdate> RowUpdateOf(const sql::UpdateStatement& update,
                                             const TableNaming& naming = {});

}  // namespace shard

#endif  // SHARD_DIALECTS_ROW_UPDATE_H_
