// Which left joins are inner joins in effect.
#ifndef SHARD_ROUTER_NULL_REJECTION_H_
#define SHARD_ROUTER_NULL_REJECTION_H_

#include <vector>

#include "shard/sql/expression.h"
#include "shard/sql/select.h"

namespace shard {

// Whether `condition` cannot be true of a row in which all columns of `table`
// are NULL, as a left join makes them where it finds nothing. False where that
// is not seen.
bool RejectsNulls(const sql::Expression& condition, const sql::TableRef& table);

// The conditions that every row of the SELECT's FROM and WHERE meets: WHERE, ON
// of inner joins, and of those left joins whose rows without a match another
// of these leaves out. `is_left` says of each join whether it still is one.
sql::Expression FilterOf(const sql::SelectStatement& select,
                         std::vector<bool>* is_left);

}  // namespace shard

#endif  // SHARD_ROUTER_NULL_REJECTION_H_
