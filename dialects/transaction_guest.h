// Somebody who works in a transaction of another.
#ifndef SHARD_DIALECTS_TRANSACTION_GUEST_H_
#define SHARD_DIALECTS_TRANSACTION_GUEST_H_

#include <cstddef>

#include "shard/dialects/statement_listeners.h"

namespace shard {

// What guests on one connection must know of each other, since what one of them
// rolls back may be around another, or around what another has done meanwhile.
// Kept by Connection::guests(), written by guests alone.
struct TransactionGuest {
  OnStatement listener;      // null: whoever has the connection on loan hears
  std::size_t inside = 0;    // savepoints that it stands in, its own included
  std::size_t reaches = 0;   // the same, with its nested transactions
  std::size_t wrote_in = 0;  // savepoints around what it wrote, at most
  bool undone = false;       // another has rolled back some of its work
  bool gone = false;         // and the part of the transaction that was its own
};

}  // namespace shard

#endif  // SHARD_DIALECTS_TRANSACTION_GUEST_H_
