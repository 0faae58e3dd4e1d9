// Prepared statements of one SQLite connection.
#ifndef SHARD_DIALECTS_SQLITE_STATEMENT_CACHE_H_
#define SHARD_DIALECTS_SQLITE_STATEMENT_CACHE_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace shard {

struct SqliteFinalizer {
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
  }
};
using SqliteStatementPtr = std::unique_ptr<sqlite3_stmt, SqliteFinalizer>;

// Keeps statements that were used last, by their text; bounded by number and
// by bytes of text, since a prepared multi-row INSERT takes some forty times
// its text. A statement in use is lent to nobody else: the next one to ask
// prepares another. Not thread-safe; all loans must have come back before it
// is destroyed.
class StatementCache {
 public:
  struct Limits {
    std::size_t statements = 256;
    std::size_t text_bytes = 256 * 1024;
  };

  // A statement on loan. Movable; gives it back, reset, when destroyed.
  class Loan {
   public:
    Loan() = default;
    Loan(Loan&& other) noexcept
        : cache_(std::exchange(other.cache_, nullptr)), at_(other.at_) {}
    Loan& operator=(Loan&& other) noexcept {
      if (this != &other) {
        Return();
        cache_ = std::exchange(other.cache_, nullptr);
        at_ = other.at_;
      }
      return *this;
    }
    ~Loan() { Return(); }

    explicit operator bool() const { return cache_ != nullptr; }
    sqlite3_stmt* get() const { return at_->statement.get(); }
    std::string_view text() const { return at_->text; }
    std::uint64_t mark() const { return at_->mark; }
    void Return() {
      if (cache_ != nullptr) std::exchange(cache_, nullptr)->TakeBack(at_);
    }
    // Destroys it when it is given back.
    void DoNotKeep() {
      if (cache_ != nullptr) cache_->Forget(at_);
    }

   private:
    friend class StatementCache;
    struct Entry {
      std::string text;
      SqliteStatementPtr statement;
      std::uint64_t mark = 0;
      bool lent = true;
      bool kept = true;  // false: a second one of its text, or too long
    };
    using Place = std::list<Entry>::iterator;
    Loan(StatementCache* cache, Place at) : cache_(cache), at_(at) {}

    StatementCache* cache_ = nullptr;
    Place at_;
  };

  StatementCache() : StatementCache(Limits()) {}
  explicit StatementCache(Limits limits) : limits_(limits) {}
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  // A kept statement of this text that nobody uses, or an empty loan.
  Loan Borrow(std::string_view text);
  // Takes in a statement that was prepared from `text` and lends it. `mark`:
  // the owner's, for Loan::mark.
  Loan Add(std::string text, SqliteStatementPtr statement,
           std::uint64_t mark = 0);

  std::size_t size() const { return by_text_.size(); }

 private:
  using Entry = Loan::Entry;
  using Place = Loan::Place;

  void TakeBack(Place at);
  void Forget(Place at);
  void DropOldest();

  const Limits limits_;
  std::list<Entry> entries_;                              // used last in front
  absl::flat_hash_map<std::string_view, Place> by_text_;  // those kept
  std::size_t text_bytes_ = 0;                            // of those kept
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_STATEMENT_CACHE_H_
