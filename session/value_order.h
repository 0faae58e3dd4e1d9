// The order that databases sort values in.
#ifndef SHARD_SESSION_VALUE_ORDER_H_
#define SHARD_SESSION_VALUE_ORDER_H_

#include <cstddef>

#include "shard/sql/value.h"

namespace shard {

// Negative, zero or positive, for two values of one type, neither NULL: numbers
// by value (NaN above all, equal to itself, as in PostgreSQL), text and bytes
// by bytes, decimals as numbers.
int CompareValues(const sql::ValueView& a, const sql::ValueView& b);

// One key of an ORDER BY.
struct SortKey {
  std::size_t cell = 0;  // which cell of the row
  bool descending = false;
  bool nulls_first = false;
};

// The same for two values of which any may be NULL, in the key's direction.
int CompareBy(const SortKey& key, const sql::ValueView& a,
              const sql::ValueView& b);

}  // namespace shard

#endif  // SHARD_SESSION_VALUE_ORDER_H_
