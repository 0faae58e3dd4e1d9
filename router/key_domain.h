// What a statement says of a shard key before its rows are known.
#ifndef SHARD_ROUTER_KEY_DOMAIN_H_
#define SHARD_ROUTER_KEY_DOMAIN_H_

#include <optional>

#include "absl/container/inlined_vector.h"
#include "shard/sql/value.h"

namespace shard {

// One end of a range of keys.
struct KeyBound {
  sql::ValueView value;
  bool inclusive = true;
};

// The values that one column of a shard key may have: those of all three parts
// at once. Nothing set: any value. The views are of values that outlive it, of
// the column's type (of any width, for integers), and never NULL. Plain value.
struct KeyDomain {
  using Values = absl::InlinedVector<sql::ValueView, 4>;

  std::optional<Values> values = std::nullopt;  // one of these; empty: none
  std::optional<KeyBound> low = std::nullopt;
  std::optional<KeyBound> high = std::nullopt;
  Values excluded = {};  // none of these

  bool is_any() const {
    return !values.has_value() && !low.has_value() && !high.has_value() &&
           excluded.empty();
  }
};

}  // namespace shard

#endif  // SHARD_ROUTER_KEY_DOMAIN_H_
