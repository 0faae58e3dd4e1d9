// Where a statement would go, for people.
#ifndef SHARD_ROUTER_EXPLANATION_H_
#define SHARD_ROUTER_EXPLANATION_H_

#include <string>
#include <vector>

namespace shard {

// What one shard would be asked.
struct ShardExplanation {
  std::string shard;     // empty for a database that is no shard
  std::string database;  // the engine's name
  std::string sql;       // as the dialect writes it
};

// Plain value. Values of the statement may stand in `why`.
struct Explanation {
  std::string why;  // "1 of 3 shards by cities.continent = 'EU'"
  std::vector<ShardExplanation> shards;

  // `why` in one line, then one for each shard:
  //   1 of 3 shards by cities.continent = 'EU'
  //     europe (sqlite:///europe.db): SELECT ...
  std::string ToString() const;
};

}  // namespace shard

#endif  // SHARD_ROUTER_EXPLANATION_H_
