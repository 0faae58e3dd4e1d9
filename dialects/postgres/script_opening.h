// What stands in front of a message of several statements.
#ifndef SHARD_DIALECTS_POSTGRES_SCRIPT_OPENING_H_
#define SHARD_DIALECTS_POSTGRES_SCRIPT_OPENING_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "shard/dialects/postgres/late_begin.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/statement_listeners.h"

namespace shard::postgres {

// The BEGIN and the limits that are due, and their answers. Not thread-safe.
class ScriptOpening {
 public:
  // The text, to be sent in front of `statement`; sets the link's second
  // deadline.
  std::string Take(std::string_view statement, LateBegin& late_begin,
                   Link& link);
  // Nothing in the transaction has looked at data before the statement.
  bool fresh() const { return fresh_; }
  // To be called with each statement that went well: true if it was one of
  // these. Tells the listeners of BEGIN, which was sent at `*sent_at`, and then
  // moves that on.
  bool TakeAnswer(LateBegin& late_begin, const StatementListeners& listeners,
                  StatementListeners::Clock::time_point* sent_at);

 private:
  std::string begin_;         // not answered yet
  std::size_t settings_ = 0;  // likewise, how many
  bool fresh_ = false;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_SCRIPT_OPENING_H_
