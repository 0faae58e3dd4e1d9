// Which tables a statement touches.
#ifndef SHARD_ROUTER_STATEMENT_TABLES_H_
#define SHARD_ROUTER_STATEMENT_TABLES_H_

#include <memory>
#include <vector>

#include "shard/sql/expression.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"

namespace shard {

// All expressions that stand in a statement, where a subquery may hide.
std::vector<sql::Expression> ExpressionsOf(const sql::Statement& statement);
std::vector<sql::Expression> ExpressionsOf(const sql::SelectStatement& select);

// The subqueries that stand directly in the expressions, not theirs in turn.
std::vector<std::shared_ptr<const sql::SelectStatement>> SubqueriesOf(
    const std::vector<sql::Expression>& expressions);

// The tables of a statement, subqueries included, each once, the one that it is
// about first. Raw text has none.
std::vector<const sql::Table*> TablesOf(const sql::Statement& statement);

}  // namespace shard

#endif  // SHARD_ROUTER_STATEMENT_TABLES_H_
