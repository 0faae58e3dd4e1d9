// Inserts of many rows.
#ifndef SHARD_DIALECTS_POSTGRES_INSERT_TASK_H_
#define SHARD_DIALECTS_POSTGRES_INSERT_TASK_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/array_parameter.h"
#include "shard/dialects/postgres/insert_pages.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/pipeline.h"
#include "shard/dialects/postgres/results.h"

namespace shard::postgres {

// Checks all values, so that nothing is sent if one is refused; the error names
// column and row, never the value.
absl::Status CheckInsert(const InsertRequest& request);

// Other rows came out than went in; of a request with `returning`.
absl::Status KeysChanged(const InsertRequest& request);
absl::Status RowsKeptOut(const InsertRequest& request, std::size_t rows_in,
                         std::string_view statement);

// What both ways of inserting by statements share. Kept and used again, for its
// buffers.
class InsertTask : public PipelineTask {
 public:
  // After Pipeline::Finish: checks that each row went in.
  absl::StatusOr<Outcome> TakeOutcome();

  std::string_view text(std::size_t) const override { return text_; }

 protected:
  void Prepare(const InsertRequest& request, std::string text);
  bool SendInsert(Pipeline& pipeline);
  bool fetches() const { return !request_.fetched.empty(); }
  // A result with the key and what is fetched of each of its rows.
  absl::Status TakeFetched(const PGresult* result);
  const InsertRequest& request() const { return request_; }
  std::size_t column_count() const { return request_.columns.size(); }

  std::vector<TypeOid> types_;
  ParameterBuffer buffer_;
  std::vector<std::int64_t> keys_;
  std::size_t rows_in_ = 0;

 private:
  InsertRequest request_;
  std::string text_;
  std::shared_ptr<PreparedStatement> statement_;
  CompiledStatement fetched_shape_;  // its columns
  RowReader reader_;
};

// A statement for each row, pipelined.
class RowInsertTask final : public InsertTask {
 public:
  void Prepare(const InsertRequest& request, std::string text);

  std::size_t steps() const override { return request().rows; }
  std::size_t parameters(std::size_t) const override { return column_count(); }
  bool Send(std::size_t step, Pipeline& pipeline) override;
  absl::Status Receive(std::size_t step, const PGresult* result) override;
  absl::Status Explain(std::size_t step,
                       const absl::Status& error) const override;
};

// A statement for each page of rows, an array for each column.
class PageInsertTask final : public InsertTask {
 public:
  void Prepare(const InsertRequest& request, std::string text);

  std::size_t steps() const override { return pages_.size(); }
  std::size_t parameters(std::size_t step) const override {
    return pages_.rows(step) * column_count();
  }
  // What comes back is one row with all keys.
  std::size_t rows(std::size_t step, const PGresult*) const override {
    return pages_.rows(step);
  }
  bool Send(std::size_t step, Pipeline& pipeline) override;
  absl::Status Receive(std::size_t step, const PGresult* result) override;
  absl::Status Explain(std::size_t step,
                       const absl::Status& error) const override;

 private:
  absl::Status TakeKeys(std::size_t rows, const PGresult* result);

  InsertPages pages_;
  std::vector<ArrayParameter> arrays_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_INSERT_TASK_H_
