// The part of a fake connection in an atomic commit: none.
#ifndef SHARD_TESTS_DIALECTS_FAKE_PARTICIPANT_H_
#define SHARD_TESTS_DIALECTS_FAKE_PARTICIPANT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"

namespace shard::testing {

// Every verb is kUnimplemented.
class FakeParticipant : public Participant {
 public:
  const std::string& why_not_prepare() const override { return why_not_; }
  bool durable() const override { return false; }

  absl::Status StartLook() override { return No(); }
  absl::StatusOr<WorkDone> FinishLook() override { return No(); }
  absl::Status StartPrepare(std::string_view) override { return No(); }
  absl::Status FinishPrepare() override { return No(); }
  absl::Status StartDecide(const DecisionRow&) override { return No(); }
  absl::Status FinishDecide() override { return No(); }
  absl::Status StartEnd(std::string_view, Decision) override { return No(); }
  absl::Status FinishEnd() override { return No(); }

  absl::StatusOr<std::vector<PreparedTransaction>> ListPrepared(
      std::string_view) override {
    return No();
  }
  absl::StatusOr<TransactionFate> FateOf(std::string_view) override {
    return No();
  }
  absl::StatusOr<Decision> Settle(const DecisionRow&, std::string_view,
                                  absl::Duration) override {
    return No();
  }
  absl::Status PutDecision(const DecisionRow&, std::string_view,
                           absl::Duration) override {
    return No();
  }
  absl::StatusOr<std::optional<DecisionRow>> FindDecision(
      std::string_view) override {
    return No();
  }
  absl::StatusOr<std::vector<DecisionRow>> ListDecisions() override {
    return No();
  }
  absl::Status DeleteDecisions(const std::vector<std::string>&,
                               absl::Duration) override {
    return No();
  }
  absl::StatusOr<std::optional<Stamp>> ReadStamp() override { return No(); }
  absl::StatusOr<Stamp> PutStamp(const Stamp&) override { return No(); }
  absl::StatusOr<std::vector<Finding>> Inspect() override { return No(); }

 private:
  static absl::Status No() {
    return absl::UnimplementedError("a fake takes no part in atomic commits");
  }

  const std::string why_not_ = "it is a fake";
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_FAKE_PARTICIPANT_H_
