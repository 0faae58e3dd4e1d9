// Building a ConfigNode out of JSON's events.
#ifndef SHARD_ROUTER_CONFIG_TREE_H_
#define SHARD_ROUTER_CONFIG_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/router/config_node.h"

namespace shard {

// Grows the tree from the outside in. Not thread-safe; used once. The first
// error ends it: what is told later changes nothing.
class ConfigTreeBuilder {
 public:
  // `line`: where the parser is, for as long as the builder is used.
  explicit ConfigTreeBuilder(const int* line) : line_(*line) {}

  bool AddNull() { return Add(ConfigNode::Kind::kNull) != nullptr; }
  bool AddBool(bool value);
  bool AddInteger(std::int64_t value);
  bool AddNumber(double value);
  bool AddText(std::string value);
  bool Open(ConfigNode::Kind kind);  // a list or an object
  bool Close();
  bool SetKey(std::string name);
  bool Fail(std::string_view what);  // of where the parser is now

  const absl::Status& status() const { return status_; }
  ConfigNode Take() { return std::move(root_); }

 private:
  ConfigNode* Add(ConfigNode::Kind kind);

  const int& line_;
  ConfigNode root_;
  std::vector<ConfigNode*> open_;  // from the outside in
  std::string key_;                // of the value that comes next
  absl::Status status_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_CONFIG_TREE_H_
