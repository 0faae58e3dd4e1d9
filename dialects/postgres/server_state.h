// What a server keeps for one connection: prepared statements and cursors.
#ifndef SHARD_DIALECTS_POSTGRES_SERVER_STATE_H_
#define SHARD_DIALECTS_POSTGRES_SERVER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "shard/dialects/postgres/pg_types.h"

namespace shard::postgres {

struct PreparedStatement {
  std::string key;   // text and parameter types
  std::string name;  // on the server
  bool sent = false;
  // Known once it returned rows: the first time they come as text, afterwards
  // in binary form where we can read all columns.
  bool described = false;
  bool binary_rows = false;
};

// Prepared statements by their text and parameter types; the ones unused for
// the longest time make room. Not thread-safe.
class StatementCache {
 public:
  // Finds the statement, or enters one that has yet to be sent.
  std::shared_ptr<PreparedStatement> Find(std::string_view text,
                                          absl::Span<const TypeOid> types);
  // The next Find enters it anew.
  void Forget(const PreparedStatement& statement);
  // After the server dropped all of them.
  void Clear();
  // The names of those that the server may drop.
  std::vector<std::string> TakeDropped() { return std::exchange(dropped_, {}); }
  std::size_t size() const { return recent_.size(); }

 private:
  using Recent = std::list<std::shared_ptr<PreparedStatement>>;
  void Drop(Recent::iterator entry);
  void MakeRoom();

  Recent recent_;  // the last used first
  absl::flat_hash_map<std::string, Recent::iterator> by_key_;
  std::size_t bytes_ = 0;
  std::uint64_t next_name_ = 1;
  std::string key_;  // kept for its memory
  std::vector<std::string> dropped_;
};

class ServerState {
 public:
  StatementCache& statements() { return statements_; }

  // A statement answered with this tag: some of them end cursors.
  void NoteCommandTag(std::string_view tag);

  // Cursors end with their transaction, or when it rolls back to a savepoint;
  // closing one that is gone would fail the transaction. So the closing waits
  // for the next statement, and is left out if its era is over by then.
  std::uint64_t era() const { return era_; }
  std::string NewCursorName();
  void CloseLater(std::string name, std::uint64_t era) {
    to_close_.emplace_back(std::move(name), era);
  }
  std::vector<std::string> TakeCursorsToClose();

 private:
  StatementCache statements_;
  std::uint64_t era_ = 0;
  std::uint64_t next_cursor_ = 1;
  std::vector<std::pair<std::string, std::uint64_t>> to_close_;
};

// True when a statement that should have made changes last was answered by
// undoing them, which the server does without an error in a failed transaction.
bool WasRolledBack(std::string_view statement, std::string_view tag);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_SERVER_STATE_H_
