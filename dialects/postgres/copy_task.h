// An insert of many rows by COPY.
#ifndef SHARD_DIALECTS_POSTGRES_COPY_TASK_H_
#define SHARD_DIALECTS_POSTGRES_COPY_TASK_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/copy_encoder.h"
#include "shard/dialects/postgres/insert_pages.h"
#include "shard/dialects/postgres/table_facts.h"

namespace shard::postgres {

// Whether COPY does what an INSERT of the request would do, and sooner. It
// knows no rules, policies for rows or conversions, fills columns that are
// ALWAYS generated, and gives no rows back: keys are taken before, which is
// only right where no trigger can change them. A partitioned or foreign table
// may have such triggers elsewhere.
bool MayCopy(const InsertRequest& request, const TableFacts& facts);
// Without a look at the table.
bool IsWorthCopying(const InsertRequest& request);

// What is sent and what comes back. A statement for each page of rows, all of
// them in one message. Kept and used again, for its buffers.
class CopyTask {
 public:
  // After MayCopy. The request, whose values were checked, must live until the
  // task is done.
  absl::Status Prepare(const InsertRequest& request, const TableFacts& facts);

  // The guard and the COPYs. `fresh`: see CopyGuardText.
  absl::StatusOr<std::string> Message(bool fresh) const;
  // Of a COPY, for messages and listeners.
  const std::string& text() const { return text_; }

  // The guard's row. Afterwards refused() says whether the facts were wrong:
  // then the pages go without rows, of which nobody hears but a trigger for
  // whole statements that has come since they were looked up.
  absl::Status TakeGuard(const PGresult* result);
  bool refused() const { return refused_; }

  std::size_t pages() const { return pages_.size(); }
  std::size_t rows(std::size_t page) const { return pages_.rows(page); }
  std::size_t parameters(std::size_t page) const;
  void StartPage(std::size_t page);
  // See CopyEncoder.
  std::string_view NextPiece() { return encoder_.NextPiece(); }
  void TakePage(const PGresult* result);
  absl::Status Explain(std::size_t page, const absl::Status& error) const {
    return pages_.Explain(page, error);
  }

  // At the end, unless refused: checks that each row went in.
  absl::StatusOr<Outcome> TakeOutcome();

 private:
  bool KeysFit() const;

  InsertRequest request_;
  const TableFacts* facts_ = nullptr;
  std::string text_;
  InsertPages pages_;
  std::vector<CopyForm> forms_;
  CopyEncoder encoder_;
  std::vector<std::int64_t> keys_;
  std::size_t rows_in_ = 0;
  bool refused_ = false;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_COPY_TASK_H_
