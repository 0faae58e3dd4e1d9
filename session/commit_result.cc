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

using nlohmann::json;

constexpr char kResultPayload[] = "shardsession/commit-result";
constexpr char kInDoubtPayload[] = "shardsession/in-doubt";
constexpr char kAnswerLostPayload[] = "shardsession/answer-lost";

// Driver messages may hold bytes that are no UTF-8.
absl::Cord ToCord(const json& value) {
  return absl::Cord(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

json PayloadOf(const absl::Status& status, const char* url) {
  const auto payload = status.GetPayload(url);
  return payload.has_value()
             ? json::parse(std::string(*payload), nullptr, false)
             : json();
}

const std::string& NameOf(const CommitShare& share) {
  return share.shard.empty() ? share.engine : share.shard;
}

}  // namespace

bool CommitResult::all_committed() const {
  return std::all_of(shares.begin(), shares.end(),
                     [](const CommitShare& share) { return share.committed; });
}

bool CommitResult::has_pending() const {
  return std::any_of(shares.begin(), shares.end(),
                     [](const CommitShare& share) { return share.pending; });
}

std::string CommitResult::ToString() const {
  std::string committed, pending, failed;
  const auto add = [](std::string* list, const CommitShare& share) {
    absl::StrAppend(list, list->empty() ? "'" : ", '", NameOf(share), "'");
  };
  for (const CommitShare& share : shares) {
    if (share.committed) {
      add(&committed, share);
    } else if (share.pending) {
      add(&pending, share);
    } else {
      absl::StrAppend(&failed, "; not on '", NameOf(share),
                      "': ", share.error.message());
    }
  }
  return absl::StrCat("committed on ", committed.empty() ? "none" : committed,
                      pending.empty() ? "" : "; pending on ", pending, failed);
}

absl::Status PartlyCommitted(const CommitResult& result) {
  absl::Status status = absl::DataLossError(absl::StrCat(
      "the commit reached some databases only (", result.ToString(),
      "); repeating it would do the committed part twice"));
  json shares = json::array();
  for (const CommitShare& share : result.shares) {
    shares.push_back({{"engine", share.engine},
                      {"shard", share.shard},
                      {"committed", share.committed},
                      {"pending", share.pending},
                      {"answer_lost", AnswerLostOf(share.error).has_value()},
                      {"code", static_cast<int>(share.error.code())},
                      {"message", std::string(share.error.message())}});
  }
  status.SetPayload(kResultPayload, ToCord(shares));
  return status;
}

std::optional<CommitResult> CommitResultOf(const absl::Status& status) {
  const json shares = PayloadOf(status, kResultPayload);
  if (!shares.is_array()) return std::nullopt;
  CommitResult result;
  for (const json& share : shares) {
    CommitShare& read = result.shares.emplace_back();
    read.engine = share.value("engine", "");
    read.shard = share.value("shard", "");
    read.committed = share.value("committed", false);
    read.pending = share.value("pending", false);
    read.error =
        absl::Status(static_cast<absl::StatusCode>(share.value("code", 0)),
                     share.value("message", ""));
    if (share.value("answer_lost", false)) {
      read.error.SetPayload(kAnswerLostPayload,
                            ToCord({{"database", read.engine}}));
    }
  }
  return result;
}

absl::Status CommitInDoubt(const InDoubt& in_doubt, const absl::Status& cause) {
  absl::Status status = absl::UnavailableError(absl::StrCat(
      "the commit is in doubt: '", in_doubt.decider,
      "', which decides it, was lost meanwhile and does not answer (",
      cause.message(), "). Do not repeat the work; Resolve(\"",
      in_doubt.transaction, "\") asks again, and recovery will finish it"));
  status.SetPayload(kInDoubtPayload,
                    ToCord({{"transaction", in_doubt.transaction},
                            {"decider", in_doubt.decider}}));
  return status;
}

bool MayHaveHappened(const absl::Status& commit) {
  return absl::IsUnavailable(commit) || absl::IsDeadlineExceeded(commit);
}

absl::Status CommitAnswerLost(const AnswerLost& lost,
                              const absl::Status& cause) {
  absl::Status status = absl::UnavailableError(absl::StrCat(
      "the answer to COMMIT was lost, so it may have been committed or not (",
      cause.message(), "). Look for what was written before you repeat it"));
  cause.ForEachPayload(
      [&status](absl::string_view type, const absl::Cord& payload) {
        status.SetPayload(type, payload);
      });
  status.SetPayload(kAnswerLostPayload, ToCord({{"database", lost.database}}));
  return status;
}

std::optional<AnswerLost> AnswerLostOf(const absl::Status& status) {
  const json payload = PayloadOf(status, kAnswerLostPayload);
  if (!payload.is_object()) return std::nullopt;
  return AnswerLost{payload.value("database", "")};
}

std::optional<InDoubt> InDoubtOf(const absl::Status& status) {
  const json payload = PayloadOf(status, kInDoubtPayload);
  if (!payload.is_object()) return std::nullopt;
  return InDoubt{payload.value("transaction", ""),
                 payload.value("decider", "")};
}

}  // namespace shard
