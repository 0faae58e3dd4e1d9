// What a command says, to people or to programs.
#ifndef SHARD_TOOLS_SHARDCTL_OUTPUT_H_
#define SHARD_TOOLS_SHARDCTL_OUTPUT_H_

#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"
#include "shard/tools/shardctl/exit_code.h"
#include "shard/tools/shardctl/table.h"

namespace shard::shardctl {

using Json = nlohmann::ordered_json;

// Text goes to standard output, errors to standard error. With `json` standard
// output gets nothing but one object, when all is done: it holds the errors
// too. Not thread-safe.
class Output {
 public:
  explicit Output(bool json);

  bool json() const { return json_; }
  // To people only; goes nowhere with `json`.
  std::ostream& text() { return text_; }
  void Print(const Table& table) { table.Print(text_, colors_); }
  std::string Paint(std::string_view text, Color color) const;
  // The object. Names of members are a promise to programs.
  Json& object() { return object_; }

  // A database that could not be read, or not be worked with. Shown at the
  // end.
  void Problem(const std::string& database, const absl::Status& error);
  // Why the command failed.
  void Error(const absl::Status& error);
  // Writes the object, and returns what the program exits with.
  int Finish(ExitCode code);

 private:
  const bool json_;
  const bool colors_;
  std::ostream text_;
  Json object_ = Json::object();
  Json problems_ = Json::array();
  Json error_;  // null
};

// {"code": "UNAVAILABLE", "message": "..."}; null when it is OK.
Json ErrorJson(const absl::Status& error);
// null when it is empty.
Json TextJson(std::string_view text);
// In seconds, exact to the millisecond.
Json AgeJson(absl::Duration age);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_OUTPUT_H_
