// What a router is told about a piece of work.
#ifndef SHARD_ROUTER_BIND_REQUEST_H_
#define SHARD_ROUTER_BIND_REQUEST_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/shard_id.h"
#include "shard/sql/class_info.h"
#include "shard/sql/column.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"

namespace shard {

class Engine;
class SessionHistory;

// Reads the columns of one object, or as many as are known of it: of a primary
// key that is looked for, only the key's. Valid during the call it is given to.
class KeyReader {
 public:
  // kNotFound when the column has no known value here. The view is valid until
  // the next Read.
  virtual absl::StatusOr<sql::ValueView> Read(const sql::Column& column) = 0;

 protected:
  ~KeyReader() = default;
};

enum class Operation : std::uint8_t {
  kFlush,    // an object or row is written
  kBulk,     // rows are written in bulk
  kRead,     // a SELECT, or a Get by primary key
  kRefresh,  // attributes of a loaded object are loaded again
  kExecute,  // a statement of the caller's, not a SELECT
};

struct BindRequest {
  // The class in question, or null (a statement over plain tables, or text).
  const sql::ClassInfo* class_info = nullptr;
  // The object being flushed, the row being inserted, or the primary key being
  // looked for; or null. Not const: reading may use scratch memory.
  KeyReader* object = nullptr;
  // The statement being run and its parameters, or null.
  const sql::Statement* statement = nullptr;
  const sql::Parameters* parameters = nullptr;
  Operation operation = Operation::kRead;
  // The shard that the caller named, or that the object lives on.
  std::optional<ShardId> shard{};
  // Several shards that the caller named; empty: none. `shard` goes before.
  absl::Span<const ShardId> shards{};
  // The caller allows an UPDATE or DELETE to run on all shards.
  bool all_shards = false;
  // What the caller said beside that, in values of its own, for a resolver that
  // knows their names; or null. Parameters of the statement are not among them.
  const sql::Parameters* arguments = nullptr;
  // Neither the caller nor the statement says class_info: it is the class that
  // is mapped to a table of the statement.
  bool class_is_of_table = false;
  // What the session has done so far, or null.
  const SessionHistory* history = nullptr;
  // Of an object that the session holds and reads again: where its row was
  // last, when it was read or inserted. Else null.
  const Engine* origin = nullptr;
};

}  // namespace shard

#endif  // SHARD_ROUTER_BIND_REQUEST_H_
