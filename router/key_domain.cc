#include "shard/router/key_domain.h"

#include <algorithm>
#include <cstddef>

#include "shard/router/key_order.h"

namespace shard {

bool MayBe(const KeyDomain& domain, const sql::ValueView& value) {
  if (domain.low.has_value() && Comparable(domain.low->value, value)) {
    const int order = CompareKeys(value, domain.low->value);
    if (order < 0 || (order == 0 && !domain.low->inclusive)) return false;
  }
  if (domain.high.has_value() && Comparable(domain.high->value, value)) {
    const int order = CompareKeys(value, domain.high->value);
    if (order > 0 || (order == 0 && !domain.high->inclusive)) return false;
  }
  return std::find(domain.excluded.begin(), domain.excluded.end(), value) ==
         domain.excluded.end();
}

bool ForEachKey(
    absl::Span<const KeyDomain> key, std::size_t most,
    absl::FunctionRef<bool(absl::Span<const sql::ValueView>)> visit) {
  std::size_t combinations = 1;
  for (const KeyDomain& domain : key) {
    if (!domain.values.has_value()) return false;
    combinations *= domain.values->size();
    if (combinations > most) return false;
  }
  absl::InlinedVector<sql::ValueView, 4> one(key.size());
  for (std::size_t n = 0; n < combinations; ++n) {
    std::size_t rest = n;
    bool allowed = true;
    for (std::size_t i = 0; i < key.size(); ++i) {
      one[i] = (*key[i].values)[rest % key[i].values->size()];
      rest /= key[i].values->size();
      allowed = allowed && MayBe(key[i], one[i]);
    }
    if (allowed && !visit(one)) return false;
  }
  return true;
}

}  // namespace shard
