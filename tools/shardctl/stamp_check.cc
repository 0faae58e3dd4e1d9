#include "shard/tools/shardctl/stamp_check.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "shard/dialects/participant.h"
#include "shard/router/placement.h"

namespace shard::shardctl {

Finding StampCheck::Look(const std::string& name,
                         const std::optional<Stamp>& stamp) {
  const auto finding = [](Finding::Level level, std::string value,
                          std::string advice) {
    return Finding{level, "stamp", std::move(value), std::move(advice)};
  };
  if (!stamp.has_value()) {
    return finding(Finding::kError, "none",
                   "if it is the right database, shardctl stamp sets it up");
  }
  const std::string text = StampText(*stamp);
  if (stamp->cluster != config_.cluster || stamp->shard != name) {
    return finding(Finding::kError, text,
                   absl::StrCat("it should be ", config_.cluster, "/", name,
                                ": the URL leads to another database"));
  }
  if (stamp->hash != kPlacementName) {
    return finding(Finding::kError, absl::StrCat(text, ", hash ", stamp->hash),
                   absl::StrCat("this release knows ", kPlacementName,
                                " only: use a newer one"));
  }
  const auto [seen, is_new] = names_.emplace(stamp->identity, name);
  if (!is_new) {
    return finding(Finding::kError, text,
                   absl::StrCat("'", seen->second,
                                "' has the same identity: "
                                "one database twice, or a copy"));
  }
  if (config_.epoch.has_value() && *config_.epoch < stamp->epoch) {
    return finding(Finding::kWarning, text,
                   absl::StrCat("a topology of epoch ", *config_.epoch,
                                " may read it but not write: it is outdated"));
  }
  if (config_.epoch.has_value() && *config_.epoch > stamp->epoch) {
    return finding(
        Finding::kWarning, text,
        absl::StrCat("the first who connects with epoch ", *config_.epoch,
                     " raises it, and outdates all "
                     "who have an older one"));
  }
  return finding(Finding::kOk, text, "");
}

std::string StampText(const Stamp& stamp) {
  return absl::StrCat(stamp.cluster, "/", stamp.shard, ", epoch ", stamp.epoch,
                      ", identity ", stamp.identity);
}

Json StampJson(const std::optional<Stamp>& stamp) {
  if (!stamp.has_value()) return nullptr;
  return {{"cluster", stamp->cluster},
          {"database", stamp->shard},
          {"identity", stamp->identity},
          {"epoch", stamp->epoch},
          {"hash", stamp->hash}};
}

}  // namespace shard::shardctl
