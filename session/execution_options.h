// How one statement is run.
#ifndef SHARD_SESSION_EXECUTION_OPTIONS_H_
#define SHARD_SESSION_EXECUTION_OPTIONS_H_

#include <cstdint>

namespace shard {

// What becomes of the session's objects whose rows an UPDATE or DELETE by
// criteria changes. Only objects on the shards that it goes to are concerned;
// what was assigned in them and not flushed stays. However it is done, a
// rollback has them read again. Of a ReferenceTable they are read again in any
// case but kNone.
//
// kFetch and kEvaluate leave the objects as the statement leaves their rows:
// the columns it sets have their new values, and objects whose rows it deletes
// are deleted, so that no more SQL is needed. What triggers change besides is
// not noticed.
enum class Synchronize : std::uint8_t {
  // All objects of the class are read again when next used; nothing is said of
  // those whose rows are gone until then. Costs nothing now, a SELECT for each
  // object later.
  kExpire,
  // The database returns keys and new values, on shards that the session has
  // objects of; elsewhere it is not asked. Exact. Where it cannot tell
  // (NoReturning, or the primary key is set): as kExpire.
  kFetch,
  // The condition is evaluated for each object by what it has loaded; an
  // object that lacks what it asks for is read again. Costs no rows from the
  // database. Possible for =, !=, <, <=, >, >=, IN, BETWEEN, IS NULL, AND, OR
  // and NOT over columns and values of booleans, integers, dates, timestamps
  // and, but for the order, text, bytes and UUIDs; what is set must be such a
  // value, or + - * of integers. Otherwise kUnimplemented, with nothing run.
  // Text is compared by bytes: do not use it where the column's collation says
  // that others are equal.
  kEvaluate,
  kAuto,  // kEvaluate where that is possible, else kFetch
  kNone,  // objects stay as they are, right or wrong
};

// The last argument of Execute and Scalars:
//   session.Execute(statement, {}, {}, {.autoflush = false})
struct ExecutionOptions {
  // Flush first, so that the statement sees the session's own changes. False
  // leaves that out; true does not bring it back where the session's option is
  // off or a NoAutoflush scope is open.
  bool autoflush = true;
  // Of an UPDATE or DELETE. One with many sets of parameters, and an INSERT
  // with ON CONFLICT, know kExpire and kNone only: others are taken for
  // kExpire.
  Synchronize synchronize = Synchronize::kExpire;
  // Lets an UPDATE or DELETE run on all shards that its condition does not tell
  // by the shard key which it is for: see HorizontalOptions.
  bool all_shards = false;
};

}  // namespace shard

#endif  // SHARD_SESSION_EXECUTION_OPTIONS_H_
