#include "shard/router/explanation.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace shard {

std::string Explanation::ToString() const {
  std::string text = absl::StrCat(why, "\n");
  for (const ShardExplanation& shard : shards) {
    const std::string where =
        shard.shard.empty()
            ? shard.database
            : absl::StrCat(shard.shard, " (", shard.database, ")");
    absl::StrAppend(&text, "  ", where, ": ", shard.sql, "\n");
  }
  return text;
}

}  // namespace shard
