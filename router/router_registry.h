// Kinds of routers, by the name that a topology file calls them.
#ifndef SHARD_ROUTER_ROUTER_REGISTRY_H_
#define SHARD_ROUTER_ROUTER_REGISTRY_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/config_node.h"
#include "shard/router/topology_config.h"
#include "shard/sql/class_info.h"

namespace shard {

// Where a router can send work: a database, or another router. One of the two
// is there.
struct RouterPlace {
  std::shared_ptr<Engine> engine;
  std::shared_ptr<BindResolver> resolver;
};

// What a router is made from besides its own part of the file. Errors are
// kInvalidArgument and name the field and line of the value that they are
// asked with. For use within the factory only; not thread-safe.
class RouterContext {
 public:
  // A database or replica of the file.
  virtual absl::StatusOr<std::shared_ptr<Engine>> EngineOf(
      const ConfigNode& name) = 0;
  // The same by a name that stands elsewhere in `source`.
  virtual absl::StatusOr<std::shared_ptr<Engine>> EngineNamed(
      const std::string& name, const ConfigNode& source) = 0;
  // Those of a database, in the file's order.
  virtual absl::StatusOr<std::vector<std::shared_ptr<Engine>>> ReplicasOf(
      const ConfigNode& name) = 0;
  // A database or router; a router is made first, if need be. An error for
  // routers that lead to each other in a circle.
  virtual absl::StatusOr<RouterPlace> PlaceOf(const ConfigNode& name) = 0;
  // A class that the program has handed over. Null where there is no program
  // with classes (shardctl): leave the class out.
  virtual absl::StatusOr<const sql::ClassInfo*> ClassOf(
      const std::string& name, const ConfigNode& source) = 0;
  // A table without a class, with these columns, which lives as long as the
  // routers do. Null where a class of the program has the table: that decides.
  virtual const sql::ClassInfo* TableOf(
      const std::string& name, std::vector<sql::ColumnSpec> columns) = 0;
  // The router being made is for this class, or table: work about it goes there
  // unless "binds" says otherwise, or another router leads to this one.
  virtual void Claim(const sql::ClassInfo& class_info,
                     const ConfigNode& source) = 0;

 protected:
  ~RouterContext() = default;
};

// Makes a router out of its part of the file, "type" included. It keeps alive
// what it was given.
using RouterFactory =
    std::function<absl::StatusOr<std::shared_ptr<BindResolver>>(
        const RouterConfig& config, RouterContext& context)>;

// Makes a kind of router known to topology files:
//
//   {"routers": {"all": {"type": "newest_first", "places": ["a", "b"]}}}
//
//   RegisterRouter("newest_first", [](const RouterConfig& config,
//                                     RouterContext& context) { ... });
//
// Before the file is opened. A later one of the same name replaces an earlier
// one; "horizontal", "vertical" and "replicas" are there from the beginning.
// Always true, so that a global can do it. Thread-safe.
bool RegisterRouter(std::string_view type, RouterFactory factory);

// kInvalidArgument, naming the types there are, when none is registered.
absl::StatusOr<RouterFactory> FindRouterFactory(const RouterConfig& config);

}  // namespace shard

#endif  // SHARD_ROUTER_ROUTER_REGISTRY_H_
