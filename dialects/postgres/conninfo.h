// What libpq is told when it connects.
#ifndef SHARD_DIALECTS_POSTGRES_CONNINFO_H_
#define SHARD_DIALECTS_POSTGRES_CONNINFO_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/url.h"

namespace shard::postgres {

struct ConnInfo {
  // libpq's keywords with their values.
  std::vector<std::pair<std::string, std::string>> keywords;
  absl::Duration timeout;
};

// kInvalidArgument for a keyword that libpq does not know, or one given twice.
absl::StatusOr<ConnInfo> MakeConnInfo(const Url& url,
                                      const EngineOptions& options);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_CONNINFO_H_
