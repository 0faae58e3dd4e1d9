// A cursor on the server.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_CURSOR_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_CURSOR_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/pipeline.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/run_task.h"

namespace shard::postgres {

// Declares itself together with the first batch, so that a short result costs
// one round trip. Lives no longer than its connection.
class PostgresCursor final : public Cursor, private PipelineTask {
 public:
  PostgresCursor(Pipeline* pipeline, const Request& request,
                 std::size_t batch_rows);
  ~PostgresCursor() override;

  // Checks the parameters; must come first.
  absl::Status Prepare();

  absl::Status Start() override;
  absl::StatusOr<bool> Finish(RowBatch* batch) override;

 private:
  // Steps: DECLARE, the first time only, then FETCH.
  bool IsDeclare(std::size_t step) const { return !declared_ && step == 0; }
  std::size_t steps() const override { return declared_ ? 1 : 2; }
  bool Send(std::size_t step, Pipeline& pipeline) override;
  absl::Status Receive(std::size_t step, const PGresult* result) override;
  std::string_view text(std::size_t step) const override {
    return IsDeclare(step) ? declare_ : fetch_;
  }
  std::size_t parameters(std::size_t step) const override {
    return IsDeclare(step) ? request_.parameters.size() : 0;
  }

  Pipeline* const pipeline_;
  const Request request_;
  const std::size_t batch_rows_;
  const std::string name_;
  const std::string declare_;
  const std::string fetch_;
  RunTask run_;  // checks and encodes the parameters
  RowReader reader_;
  std::uint64_t era_ = 0;  // of the transaction; see ServerState
  bool declared_ = false;
  bool started_ = false;
  bool at_end_ = false;
  bool failed_ = false;
  bool binary_rows_ = false;
  std::size_t rows_read_ = 0;  // of the last batch
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_CURSOR_H_
