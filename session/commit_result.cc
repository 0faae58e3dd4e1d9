#include "shard/session/commit_result.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace shard {
namespace {

constexpr char kPayload[] = "shardsession/commit-result";

const std::string& NameOf(const CommitShare& share) {
  return share.shard.empty() ? share.engine : share.shard;
}

}  // namespace

bool CommitResult::all_committed() const {
  return std::all_of(shares.begin(), shares.end(),
                     [](const CommitShare& share) { return share.committed; });
}

std::string CommitResult::ToString() const {
  std::string committed, failed;
  for (const CommitShare& share : shares) {
    if (share.committed) {
      absl::StrAppend(&committed, committed.empty() ? "" : ", ", "'",
                      NameOf(share), "'");
    } else {
      absl::StrAppend(&failed, failed.empty() ? "" : "; ", "not on '",
                      NameOf(share), "': ", share.error.message());
    }
  }
  return absl::StrCat("committed on ", committed.empty() ? "none" : committed,
                      failed.empty() ? "" : "; ", failed);
}

absl::Status PartlyCommitted(const CommitResult& result) {
  absl::Status status = absl::DataLossError(absl::StrCat(
      "the commit reached some databases only (", result.ToString(),
      "); repeating it would do the committed part twice"));
  nlohmann::json shares = nlohmann::json::array();
  for (const CommitShare& share : result.shares) {
    shares.push_back({{"engine", share.engine},
                      {"shard", share.shard},
                      {"committed", share.committed},
                      {"code", static_cast<int>(share.error.code())},
                      {"message", std::string(share.error.message())}});
  }
  // Driver messages may hold bytes that are no UTF-8.
  status.SetPayload(
      kPayload, absl::Cord(shares.dump(
                    -1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return status;
}

std::optional<CommitResult> CommitResultOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return std::nullopt;
  const nlohmann::json shares =
      nlohmann::json::parse(std::string(*payload), nullptr, false);
  if (!shares.is_array()) return std::nullopt;
  CommitResult result;
  for (const nlohmann::json& share : shares) {
    result.shares.push_back(
        {share.value("engine", ""), share.value("shard", ""),
         share.value("committed", false),
         absl::Status(static_cast<absl::StatusCode>(share.value("code", 0)),
                      share.value("message", ""))});
  }
  return result;
}

}  // namespace shard
