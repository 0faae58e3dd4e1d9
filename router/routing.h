// The resolver that a topology file describes.
#ifndef SHARD_ROUTER_ROUTING_H_
#define SHARD_ROUTER_ROUTING_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/topology_config.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

struct RoutingOptions {
  // The engine of a database or replica of the file; never null for one.
  std::function<std::shared_ptr<Engine>(const std::string& name)> engine;
  // That the file may name. They live as long as the program.
  std::vector<const sql::ClassInfo*> classes = {};
  // There is no program with classes: leave out those that the file names.
  bool without_classes = false;
};

// Tables of the file that no class has. Immutable once it is made.
class FileTables {
 public:
  const sql::ClassInfo* Add(const std::string& name,
                            std::vector<sql::ColumnSpec> columns);
  // Null where there is none.
  const sql::Table* Find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  std::deque<sql::Table> tables_;
  std::deque<sql::ClassInfo> infos_;  // one for each, which stand for them
};

// Thread-safe once it is made; the resolver keeps alive all that it needs.
struct Routing {
  std::shared_ptr<BindResolver> resolver;
  std::shared_ptr<const FileTables> tables;
};

// Each class and table where "binds" sends it; else to the router that has it
// among its own and that no other router leads to; else to the default; where a
// database is all that there is, to that. kInvalidArgument, naming field and
// line: unknown classes, columns, places and types, a class in two routers
// without a bind, routers in a circle; kUnimplemented as MakeHorizontalRouter.
absl::StatusOr<Routing> MakeRouting(const TopologyConfig& config,
                                    const RoutingOptions& options);

}  // namespace shard

#endif  // SHARD_ROUTER_ROUTING_H_
