// What routers and statements know of a mapped class.
#ifndef SHARD_SQL_CLASS_INFO_H_
#define SHARD_SQL_CLASS_INFO_H_

#include <string>
#include <vector>

#include "shard/sql/table.h"

namespace shard::sql {

// One for each mapped class, made on first use and alive until the program
// ends, so its address names the class. Immutable, thread-safe.
struct ClassInfo {
  std::string name;                     // for messages
  const Table* table = nullptr;         // where its rows live
  std::vector<const ClassInfo*> bases;  // nearest first; no mapped base: empty
};

}  // namespace shard::sql

#endif  // SHARD_SQL_CLASS_INFO_H_
