// What a PostgreSQL database does in an atomic commit: it prepares, or decides.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_PARTICIPANT_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_PARTICIPANT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/postgres/conversation.h"
#include "shard/dialects/postgres/decide_task.h"
#include "shard/dialects/postgres/postgres_decisions.h"

namespace shard::postgres {

// Each verb is one message to the server and one answer. Not thread-safe.
class PostgresParticipant final : public Participant {
 public:
  // `max_prepared_transactions` and `standby`: the server's. The conversation
  // must outlive it.
  PostgresParticipant(Conversation* conversation, int max_prepared_transactions,
                      bool standby);

  const std::string& why_not_prepare() const override {
    return why_not_prepare_;
  }
  bool standby() const override { return standby_; }
  bool cannot_have_written() const override;

  void LookWithNext() override;
  absl::Status StartLook() override;
  absl::StatusOr<WorkDone> FinishLook() override;
  // kFailedPrecondition outside of a transaction, and for one that PostgreSQL
  // does not prepare: it used temporary tables, NOTIFY or LISTEN, a cursor WITH
  // HOLD, or exported its snapshot. kAlreadyExists: that gid is prepared
  // already. After any error but a lost connection the transaction is over.
  absl::Status StartPrepare(std::string_view gid) override;
  absl::Status FinishPrepare() override;
  // A unique violation that is none of the decision is kFailedPrecondition, so
  // that kAlreadyExists has one meaning. The transaction is over when COMMIT
  // was tried, else open.
  absl::Status StartDecide(const DecisionRow& row) override;
  absl::Status FinishDecide() override;

  absl::Status StartEnd(std::string_view gid, Decision decision) override;
  absl::Status FinishEnd() override;

  absl::StatusOr<std::vector<PreparedTransaction>> ListPrepared(
      std::string_view prefix) override;
  // A number that was never given out is forgotten too: a server that crashed
  // gives out again the numbers of which it had written nothing down.
  absl::StatusOr<TransactionFate> FateOf(std::string_view number) override;
  absl::StatusOr<Decision> Settle(const DecisionRow& row,
                                  std::string_view number,
                                  absl::Duration patience) override;
  absl::Status PutDecision(const DecisionRow& row, std::string_view number,
                           absl::Duration patience) override;
  absl::StatusOr<std::optional<DecisionRow>> FindDecision(
      std::string_view txn) override;
  absl::StatusOr<std::vector<DecisionRow>> ListDecisions() override;
  absl::Status DeleteDecisions(const std::vector<std::string>& txns,
                               absl::Duration patience) override;

  absl::StatusOr<std::optional<Stamp>> ReadStamp() override;
  absl::StatusOr<Stamp> PutStamp(const Stamp& stamp) override;
  absl::StatusOr<std::vector<Finding>> Inspect() override;

 private:
  absl::Status CheckInTransaction() const;
  absl::Status ExplainPrepare(const absl::Status& status) const;

  Conversation& conversation_;
  PostgresDecisions decisions_;
  DecideTask decide_;
  const int max_prepared_;
  const bool standby_;
  const std::string why_not_prepare_;
  // Between StartLook and FinishLook, when the server need not be asked.
  std::optional<std::string> known_number_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_PARTICIPANT_H_
