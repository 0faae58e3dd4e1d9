// The order of values that can be shard keys.
#ifndef SHARD_ROUTER_KEY_ORDER_H_
#define SHARD_ROUTER_KEY_ORDER_H_

#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// Integers of every width are one type to shard keys.
bool SameKeyType(sql::ValueType a, sql::ValueType b);

inline bool Comparable(const sql::ValueView& a, const sql::ValueView& b) {
  return SameKeyType(a.type(), b.type());
}

// Negative, zero or positive. Integers, dates, timestamps and decimals by their
// value; text, bytes and UUIDs by bytes, whatever the collation of a database
// says. Both must be Comparable().
int CompareKeys(const sql::ValueView& a, const sql::ValueView& b);

}  // namespace shard

#endif  // SHARD_ROUTER_KEY_ORDER_H_
