// What a statement says of a shard key before its rows are known.
#ifndef SHARD_ROUTER_KEY_DOMAIN_H_
#define SHARD_ROUTER_KEY_DOMAIN_H_

#include <cstddef>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "shard/sql/value.h"

namespace shard {

// One end of a range of keys, in the order of CompareKeys (key_order.h).
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

// Whether the range and the exclusions leave this value in; `values` is not
// looked at. True as well for a value that the bounds cannot be compared with.
bool MayBe(const KeyDomain& domain, const sql::ValueView& value);

// Calls `visit` with every key that the domains allow, one value for each
// column, until it returns false. False when it did, when a column may have
// values that are not listed, or when there would be more than `most` keys:
// then not all were told.
bool ForEachKey(
    absl::Span<const KeyDomain> key, std::size_t most,
    absl::FunctionRef<bool(absl::Span<const sql::ValueView>)> visit);

}  // namespace shard

#endif  // SHARD_ROUTER_KEY_DOMAIN_H_
