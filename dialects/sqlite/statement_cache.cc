#include "shard/dialects/sqlite/statement_cache.h"

#include <sqlite3.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace shard {

StatementCache::Loan StatementCache::Borrow(std::string_view text) {
  // Often it is the same statement again, which is found without hashing.
  if (const Place latest = entries_.begin(); latest != entries_.end() &&
                                             latest->kept && !latest->lent &&
                                             latest->text == text) {
    latest->lent = true;
    return Loan(this, latest);
  }
  const auto found = by_text_.find(text);
  if (found == by_text_.end() || found->second->lent) return Loan();
  const Place at = found->second;
  at->lent = true;
  entries_.splice(entries_.begin(), entries_, at);
  return Loan(this, at);
}

StatementCache::Loan StatementCache::Add(std::string text,
                                         SqliteStatementPtr statement,
                                         std::uint64_t mark) {
  entries_.push_front({std::move(text), std::move(statement), mark});
  const Place at = entries_.begin();
  at->kept = at->text.size() <= limits_.text_bytes &&
             by_text_.try_emplace(at->text, at).second;
  if (at->kept) text_bytes_ += at->text.size();
  DropOldest();
  return Loan(this, at);
}

void StatementCache::TakeBack(Place at) {
  // The bindings stay: every use binds all of them anew before it steps, and
  // nothing looks at them in between.
  sqlite3_reset(at->statement.get());
  at->lent = false;
  if (!at->kept) entries_.erase(at);
}

void StatementCache::Forget(Place at) {
  if (!at->kept) return;
  by_text_.erase(at->text);
  text_bytes_ -= at->text.size();
  at->kept = false;
}

void StatementCache::DropOldest() {
  Place at = entries_.end();
  while (at != entries_.begin() && (by_text_.size() > limits_.statements ||
                                    text_bytes_ > limits_.text_bytes)) {
    --at;
    if (at->lent) continue;
    Forget(at);
    at = entries_.erase(at);
  }
}

}  // namespace shard
