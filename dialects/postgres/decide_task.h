// The decision in the database that decides: the row and COMMIT.
#ifndef SHARD_DIALECTS_POSTGRES_DECIDE_TASK_H_
#define SHARD_DIALECTS_POSTGRES_DECIDE_TASK_H_

#include <libpq-fe.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/pipeline.h"

namespace shard::postgres {

// Prepared statements, since every atomic commit runs them; in a pipeline, so
// that COMMIT is not run when the row does not go in. Kept and used again.
class DecideTask final : public PipelineTask {
 public:
  // kInvalidArgument for a row that the protocol cannot carry.
  absl::Status Prepare(const DecisionRow& row);

  std::size_t steps() const override { return 2; }
  bool Send(std::size_t step, Pipeline& pipeline) override;
  absl::Status Receive(std::size_t step, const PGresult* result) override;
  std::string_view text(std::size_t step) const override;
  std::size_t parameters(std::size_t step) const override;

 private:
  DecisionRow row_;
  ParameterBuffer values_;  // of row_
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_DECIDE_TASK_H_
