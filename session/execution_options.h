// How one statement is run.
#ifndef SHARD_SESSION_EXECUTION_OPTIONS_H_
#define SHARD_SESSION_EXECUTION_OPTIONS_H_

namespace shard {

// The last argument of Execute and Scalars:
//   session.Execute(statement, {}, {}, {.autoflush = false})
struct ExecutionOptions {
  // Flush first, so that the statement sees the session's own changes. False
  // leaves that out; true does not bring it back where the session's option is
  // off or a NoAutoflush scope is open.
  bool autoflush = true;
};

}  // namespace shard

#endif  // SHARD_SESSION_EXECUTION_OPTIONS_H_
