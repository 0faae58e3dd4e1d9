// The SQL that stands in an object's attributes.
#ifndef SHARD_SESSION_PENDING_EXPRESSIONS_H_
#define SHARD_SESSION_PENDING_EXPRESSIONS_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "shard/sql/expression.h"

namespace shard {

// Expressions that wait for the next flush, by attribute. Most objects never
// have any, and every object has this: without one it is a null pointer. Not
// thread-safe.
class PendingExpressions {
 public:
  using Entry = std::pair<std::uint16_t, sql::Expression>;

  // In the place of the attribute's last.
  void Set(std::uint16_t field, sql::Expression expression) {
    Drop(field);
    if (list_ == nullptr) list_ = std::make_unique<std::vector<Entry>>();
    list_->emplace_back(field, std::move(expression));
  }
  void Drop(std::uint16_t field) {
    if (list_ == nullptr) return;
    std::erase_if(*list_, [field](const Entry& e) { return e.first == field; });
  }
  void Clear() { list_.reset(); }
  absl::Span<const Entry> entries() const {
    return list_ == nullptr ? absl::Span<const Entry>() : *list_;
  }

 private:
  std::unique_ptr<std::vector<Entry>> list_;
};

}  // namespace shard

#endif  // SHARD_SESSION_PENDING_EXPRESSIONS_H_
