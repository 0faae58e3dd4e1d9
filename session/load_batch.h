// One batch of a load: its rows go into the transaction, the bad ones aside.
#ifndef SHARD_SESSION_LOAD_BATCH_H_
#define SHARD_SESSION_LOAD_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/engine.h"
#include "shard/session/bulk_options.h"
#include "shard/session/bulk_report.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/session_core.h"

namespace shard {

// Whether a database refused what a row holds: a constraint, a value that a
// column cannot hold (its driver may be the one who finds out), a trigger's
// objection. Anything else that goes wrong is no row's fault.
bool IsRefusedByDatabase(const absl::Status& status);

// Inserts rows in the session's transaction. A database does not say which of
// the rows that it was given together it does not take; so where it refuses
// some, each half of them is tried alone, in a transaction nested in the
// session's, down to the row. Rows may refer to each other: those that did not
// get in for want of others are tried again, together, for as long as that lets
// some of them in. Used once.
class LoadBatch {
 public:
  // `stops`: at the first row that is refused, if none in front of it waits for
  // others.
  LoadBatch(SessionCore* session, BulkRows* rows, const BulkOptions& options,
            bool stops);

  // Databases that check at the end of a transaction what they may put off
  // until then: they are told to do so behind each part that is written.
  void CheckDeferredAt(std::vector<std::shared_ptr<Engine>> engines) {
    check_at_ = std::move(engines);
  }

  // An error is about no row; the transaction can then only be rolled back.
  absl::Status Write();

  std::uint64_t inserted() const { return inserted_; }
  // In no order; the reasons do not name the rows.
  std::vector<RefusedRow>& refused() { return refused_; }

 private:
  struct Waiting {
    std::size_t index;
    absl::Status refusal;
  };

  absl::Status CheckDeferred();
  absl::Status TryAgain();
  void Refuse(std::size_t index, const absl::Status& refusal);
  absl::Status WriteRange(std::size_t from, std::size_t to);
  absl::Status WriteHalves(std::size_t from, std::size_t to,
                           const absl::Status& refusal);
  bool is_over() const {
    return stops_ && waiting_.empty() && !refused_.empty();
  }

  SessionCore& session_;
  BulkRows& rows_;
  BulkOptions options_;
  const bool stops_;
  std::vector<std::shared_ptr<Engine>> check_at_;
  std::uint64_t inserted_ = 0;
  std::vector<RefusedRow> refused_;
  std::vector<Waiting> waiting_;     // refused, perhaps for want of others
  std::vector<std::size_t> picked_;  // the rows to write; empty: all
};

}  // namespace shard

#endif  // SHARD_SESSION_LOAD_BATCH_H_
