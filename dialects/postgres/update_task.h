// Updates of many rows by key.
#ifndef SHARD_DIALECTS_POSTGRES_UPDATE_TASK_H_
#define SHARD_DIALECTS_POSTGRES_UPDATE_TASK_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/array_parameter.h"
#include "shard/dialects/postgres/insert_pages.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/pipeline.h"
#include "shard/dialects/postgres/table_facts.h"

namespace shard::postgres {

// Whether many runs of a RowUpdate go sooner as pages, and can: each value has
// the type that its parameter is declared with.
bool IsWorthPaging(const Request& request);

// "UPDATE ... FROM unnest": the parameters are an array for each of the
// statement's.
absl::StatusOr<std::string> PageUpdateText(const Request& request,
                                           const TableFacts& facts);

// A statement for each page of rows. Kept and used again, for its buffers.
class PageUpdateTask final : public PipelineTask {
 public:
  void Prepare(const Request& request, std::string text);
  // Whether each page changed as many rows as it has. If not, nobody knows
  // which were missing, or came twice.
  bool changed_all() const { return changed_all_; }
  const Request& request() const { return request_; }

  std::size_t steps() const override { return pages_.size(); }
  std::string_view text(std::size_t) const override { return text_; }
  std::size_t parameters(std::size_t step) const override {
    return pages_.rows(step) * cells_;
  }
  bool Send(std::size_t step, Pipeline& pipeline) override;
  absl::Status Receive(std::size_t step, const PGresult* result) override;
  absl::Status Explain(std::size_t step,
                       const absl::Status& error) const override;

 private:
  sql::ValueType TypeOf(std::size_t cell) const {
    return request_.statement->parameters[cell].type;
  }

  Request request_;
  std::string text_;
  std::size_t cells_ = 0;  // of a row
  InsertPages pages_;
  std::vector<TypeOid> types_;
  std::vector<ArrayParameter> arrays_;
  ParameterBuffer buffer_;
  std::shared_ptr<PreparedStatement> statement_;
  bool changed_all_ = true;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_UPDATE_TASK_H_
