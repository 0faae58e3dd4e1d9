#include "shard/session/value_order.h"

#include <cmath>

#include "shard/sql/types.h"

namespace shard {
namespace {

template <class T>
int Compare(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

double AsDouble(const sql::ValueView& value) {
  return value.type() == sql::ValueType::kDouble
             ? value.real()
             : static_cast<double>(value.integer());
}

int CompareDoubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) {
    return Compare(std::isnan(a), std::isnan(b));
  }
  return Compare(a, b);
}

}  // namespace

int CompareValues(const sql::ValueView& a, const sql::ValueView& b) {
  if (a.type() == sql::ValueType::kDouble ||
      b.type() == sql::ValueType::kDouble) {
    return CompareDoubles(AsDouble(a), AsDouble(b));
  }
  if (a.type() == sql::ValueType::kDecimal) {
    return Decimal::CompareText(a.bytes(), b.bytes());
  }
  // std::string_view compares as memcmp does.
  return a.holds_bytes() ? Compare(a.bytes(), b.bytes())
                         : Compare(a.integer(), b.integer());
}

int CompareBy(const SortKey& key, const sql::ValueView& a,
              const sql::ValueView& b) {
  if (a.is_null() || b.is_null()) {
    const int order = Compare(a.is_null(), b.is_null());
    return key.nulls_first ? -order : order;
  }
  const int order = CompareValues(a, b);
  return key.descending ? -order : order;
}

}  // namespace shard
