// Telling reads from what may write.
#ifndef SHARD_ROUTER_MAY_WRITE_H_
#define SHARD_ROUTER_MAY_WRITE_H_

#include "shard/router/bind_request.h"

namespace shard {

// False for what is known to do no more than read: a SELECT that is built (not
// FOR UPDATE, which locks rows), a Get, a refresh, and all that runs in a
// transaction which was begun read-only. True for all else: flushes, bulk
// operations, INSERT, UPDATE and DELETE, text whatever it says, and a
// connection that is asked for. (A function that writes, called by a SELECT, is
// not seen: run it as text, or name its engine.)
bool MayWrite(const BindRequest& request);

// Whether rows are looked for, rather than written: a SELECT, a Get or a
// refresh, whatever it locks.
inline bool IsRead(const BindRequest& request) {
  return request.operation == Operation::kRead ||
         request.operation == Operation::kRefresh;
}

}  // namespace shard

#endif  // SHARD_ROUTER_MAY_WRITE_H_
