#include "shard/router/key_order.h"

#include "shard/sql/types.h"

namespace shard {
namespace {

using sql::ValueType;

bool IsInteger(ValueType type) {
  return type == ValueType::kInt32 || type == ValueType::kInt64;
}

}  // namespace

bool SameKeyType(ValueType a, ValueType b) {
  return a == b || (IsInteger(a) && IsInteger(b));
}

int CompareKeys(const sql::ValueView& a, const sql::ValueView& b) {
  if (a.type() == ValueType::kDecimal) {
    return Decimal::CompareText(a.bytes(), b.bytes());
  }
  if (a.holds_bytes()) return a.bytes().compare(b.bytes());
  return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
}

}  // namespace shard
