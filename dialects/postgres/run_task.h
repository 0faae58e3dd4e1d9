// One statement, run once or many times.
#ifndef SHARD_DIALECTS_POSTGRES_RUN_TASK_H_
#define SHARD_DIALECTS_POSTGRES_RUN_TASK_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/pipeline.h"
#include "shard/dialects/postgres/results.h"
#include "shard/sql/value.h"

namespace shard::postgres {

// kInvalidArgument for text that the protocol cannot carry.
absl::Status CheckStatementText(std::string_view text);

// Kept and used again and again, for its buffers.
class RunTask final : public PipelineTask {
 public:
  // Checks all values, so that nothing is sent if one is refused. The request
  // must live until the task is done.
  absl::Status Prepare(const Request& request);
  // Before Pipeline::Finish.
  void set_rows(RowBatch* rows) { reader_.Start(request_.statement, rows); }
  // After it.
  Outcome TakeOutcome();

  // The types of the parameters over all runs, for who sends them otherwise.
  const std::vector<TypeOid>& types() const { return types_; }
  // The parameters of one run; valid until the next call.
  const ParameterBuffer& Encode(std::size_t run);

  std::size_t steps() const override { return request_.runs; }
  bool Send(std::size_t step, Pipeline& pipeline) override;
  absl::Status Receive(std::size_t step, const PGresult* result) override;
  std::string_view text(std::size_t) const override {
    return request_.statement->text;
  }
  std::size_t parameters(std::size_t) const override { return count_; }
  absl::Status Explain(std::size_t step,
                       const absl::Status& error) const override;

 private:
  absl::Span<const sql::ValueView> Values(std::size_t run) const {
    return request_.parameters.subspan(run * count_, count_);
  }
  absl::Status CheckRun(std::size_t run);
  void SettleTypes();
  void TakeTypesOf(std::size_t run);

  Request request_;
  std::size_t count_ = 0;  // of parameters in a run
  std::vector<TypeOid> types_;
  bool types_differ_ = false;  // between runs
  std::vector<TypeOid> types_of_run_;
  std::shared_ptr<PreparedStatement> statement_;
  ParameterBuffer buffer_;
  RowReader reader_;
  Outcome outcome_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_RUN_TASK_H_
