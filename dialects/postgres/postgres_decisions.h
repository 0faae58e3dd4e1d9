// The table public.shard_decisions of a PostgreSQL database.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_DECISIONS_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_DECISIONS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/postgres/conversation.h"

namespace shard::postgres {

// Has what is committed next wait until it is durable, whatever the session's
// setting; one that waits for more stays.
extern const char kCommitDurably[];

// kInvalidArgument if it is no number of a transaction.
absl::Status CheckTransactionNumber(std::string_view number);

// The verbs are those of Participant. Reading takes a missing table for an
// empty one. Not thread-safe; the conversation must outlive it.
class PostgresDecisions {
 public:
  explicit PostgresDecisions(Conversation* conversation)
      : conversation_(*conversation) {}

  absl::StatusOr<Decision> Settle(const DecisionRow& row,
                                  std::string_view number,
                                  absl::Duration patience);
  absl::Status Put(const DecisionRow& row, std::string_view number,
                   absl::Duration patience);
  absl::StatusOr<std::optional<DecisionRow>> Find(std::string_view txn);
  // The oldest first, without their redo.
  absl::StatusOr<std::vector<DecisionRow>> List();
  absl::Status Delete(const std::vector<std::string>& txns);

 private:
  absl::StatusOr<std::string> InsertText(const DecisionRow& row) const;
  absl::StatusOr<Decision> PutOrFind(const DecisionRow& row,
                                     std::string_view number,
                                     absl::Duration patience);
  absl::StatusOr<std::string> PutText(const DecisionRow& row,
                                      std::string_view number,
                                      absl::Duration patience) const;
  // `redo`: what to read in its place.
  absl::StatusOr<std::vector<DecisionRow>> Read(const std::string& condition,
                                                const std::string& redo);

  Conversation& conversation_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_DECISIONS_H_
