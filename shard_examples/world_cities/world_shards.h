// The four databases of the example.
#ifndef SHARD_EXAMPLES_WORLD_CITIES_WORLD_SHARDS_H_
#define SHARD_EXAMPLES_WORLD_CITIES_WORLD_SHARDS_H_

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/horizontal_resolver.h"

namespace world_cities {

// Which continents live on which shard.
struct Place {
  std::string shard;
  std::vector<std::string> continents;
};
const std::vector<Place>& Places();

// Notes which shards statements are sent to. Thread-safe.
class Touched {
 public:
  void Note(const std::string& shard) {
    const std::lock_guard lock(mutex_);
    shards_.insert(shard);
  }
  // "europe", "asia, south" or "all 4", since the last call.
  std::string Take();

 private:
  std::mutex mutex_;
  std::set<std::string> shards_;
};

struct WorldShards {
  std::shared_ptr<shard::HorizontalResolver> resolver;
  std::vector<std::pair<std::string, std::shared_ptr<shard::Engine>>> engines;
};

// Opens one database for each place and creates the tables: SQLite files in
// `folder`, or, when servers are named, new databases spread over them. Cities
// and reports are placed by their continent.
absl::StatusOr<WorldShards> OpenShards(const std::string& folder,
                                       const std::vector<std::string>& servers,
                                       Touched* touched);

}  // namespace world_cities

#endif  // SHARD_EXAMPLES_WORLD_CITIES_WORLD_SHARDS_H_
