#include "shard/tools/shardctl/topology_file.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "shard/base/status_macros.h"

namespace shard::shardctl {
namespace {

// Members stay in the order of the file: an operator's order is a good one.
using Json = nlohmann::ordered_json;

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

// The parser's own words quote the text around, and so, maybe, a password.
absl::Status NoJson(std::string_view text, std::size_t position) {
  const std::string_view before =
      text.substr(0, std::min(text.size(), position));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return Wrong(absl::StrCat("no JSON: something is wrong in line ", line));
}

absl::StatusOr<Json> Parse(std::string_view text) {
  int depth_of_twice = -1;
  std::vector<std::set<std::string>> keys;  // seen, of each open object
  const auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      depth_of_twice = depth;
    }
    return true;
  };
  try {
    Json parsed = Json::parse(text, look);
    if (depth_of_twice < 0) return parsed;
    return Wrong(depth_of_twice > 1 ? "a database stands in it twice"
                                    : "a member stands in it twice");
  } catch (const Json::parse_error& error) {
    return NoJson(text, error.byte);
  } catch (const Json::exception&) {
    return NoJson(text, 0);
  }
}

absl::Status ReadDatabases(const Json& databases, ClusterConfig* config) {
  if (!databases.is_object()) {
    return Wrong("'databases' is no object of names and URLs");
  }
  for (const auto& [name, url] : databases.items()) {
    if (!url.is_string()) {
      return Wrong(absl::StrCat("the URL of database ",
                                config->databases.size() + 1, " is no text"));
    }
    config->databases.emplace_back(name, url.get<std::string>());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClusterConfig> ParseTopology(std::string_view json) {
  SHARD_ASSIGN_OR_RETURN(const Json parsed, Parse(json));
  if (!parsed.is_object()) return Wrong("no JSON object");
  ClusterConfig config;
  for (const auto& [member, value] : parsed.items()) {
    if (member == "cluster") {
      if (!value.is_string()) return Wrong("'cluster' is no text");
      config.cluster = value.get<std::string>();
    } else if (member == "epoch") {
      if (!value.is_number_integer() || value.get<std::int64_t>() < 1) {
        return Wrong("'epoch' is no number from 1 on");
      }
      config.epoch = value.get<std::int64_t>();
    } else if (member == "databases") {
      SHARD_RETURN_IF_ERROR(ReadDatabases(value, &config));
    } else {
      return Wrong(
          "a member is not known; there are cluster, epoch and databases");
    }
  }
  return config;
}

absl::StatusOr<ClusterConfig> ReadTopologyFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) {
    return absl::NotFoundError(absl::StrCat(
        "topology file '", path, "' cannot be read: ", std::strerror(errno)));
  }
  absl::StatusOr<ClusterConfig> config = ParseTopology(text.str());
  if (config.ok()) return config;
  return Wrong(
      absl::StrCat("topology file '", path, "': ", config.status().message()));
}

}  // namespace shard::shardctl
