#include "shard/dialects/postgres/insert_task.h"

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/insert_text.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/run_task.h"
#include "shard/dialects/postgres/wire.h"

namespace shard::postgres {
absl::Status KeysChanged(const InsertRequest& request) {
  return absl::FailedPreconditionError(absl::StrCat(
      FetchedKey(request).QualifiedName(),
      ": the database stored other keys than those it reserved (a trigger sets "
      "them?)"));
}

absl::Status RowsKeptOut(const InsertRequest& request, std::size_t rows_in,
                         std::string_view statement) {
  return DatabaseError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("table ", request.table->name(), ": of ", request.rows,
                   " rows ", rows_in,
                   " were inserted (a trigger or rule keeps rows out?)"),
      statement, "");
}

absl::Status CheckInsert(const InsertRequest& request) {
  const std::size_t count = request.columns.size();
  if (request.values.size() != request.rows * count) {
    return absl::InvalidArgumentError(
        absl::StrCat("table ", request.table->name(), ": ", request.rows,
                     " rows of ", count, " columns need ", request.rows * count,
                     " values, not ", request.values.size()));
  }
  for (std::size_t i = 0; i < request.values.size(); ++i) {
    const sql::Column& column = *request.columns[i % count];
    absl::Status status = CheckElement(request.values[i], column.type());
    if (!status.ok()) {
      if (request.rows == 1) return Annotate(status, column.QualifiedName());
      return Annotate(status, absl::StrCat(column.QualifiedName(), ", row ",
                                           i / count + 1));
    }
  }
  return absl::OkStatus();
}

void InsertTask::Prepare(const InsertRequest& request, std::string text) {
  request_ = request;
  text_ = std::move(text);
  statement_ = nullptr;
  types_.clear();
  keys_.clear();
  if (request.generated_key != nullptr) keys_.reserve(request.rows);
  rows_in_ = 0;
  if (!fetches()) return;
  const sql::Column& key = FetchedKey(request);
  fetched_shape_.columns = {{key.name(), key.type()}};
  for (const sql::Column* column : request.fetched) {
    fetched_shape_.columns.push_back({column->name(), column->type()});
  }
  reader_.Start(&fetched_shape_, request.fetched_rows);
}

absl::Status InsertTask::TakeFetched(const PGresult* result) {
  const int rows = PQntuples(result);
  for (int row = 0; row < rows; ++row) {
    const auto key = IntegerCell(result, row, 0);
    if (!key.has_value()) return KeysChanged(request_);
    keys_.push_back(*key);
  }
  rows_in_ += static_cast<std::size_t>(rows);
  return rows == 0 ? absl::OkStatus() : reader_.Add(result);
}

bool InsertTask::SendInsert(Pipeline& pipeline) {
  if (statement_ == nullptr) {
    statement_ = pipeline.state().statements().Find(text_, types_);
  }
  // Keys can be read in binary; what columns of the user's can, is learnt.
  return pipeline.SendPrepared(statement_, text_, types_, buffer_,
                               fetches() ? statement_->binary_rows : true);
}

absl::StatusOr<Outcome> InsertTask::TakeOutcome() {
  if (request_.returning && rows_in_ != request_.rows) {
    return RowsKeptOut(request_, rows_in_, text_);
  }
  if (fetches()) reader_.Finish();
  Outcome outcome;
  outcome.affected.push_back(static_cast<std::int64_t>(rows_in_));
  outcome.keys = std::move(keys_);
  return outcome;
}

void RowInsertTask::Prepare(const InsertRequest& request, std::string text) {
  InsertTask::Prepare(request, std::move(text));
  // One statement for all rows, whatever is NULL in which.
  for (const sql::Column* column : request.columns) {
    types_.push_back(ParameterType(sql::ValueView(), column->type()));
  }
}

bool RowInsertTask::Send(std::size_t step, Pipeline& pipeline) {
  const auto cells =
      request().values.subspan(step * column_count(), column_count());
  buffer_.Clear();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    buffer_.Add(cells[i], types_[i]);
  }
  return SendInsert(pipeline);
}

absl::Status RowInsertTask::Receive(std::size_t, const PGresult* result) {
  if (fetches()) return TakeFetched(result);
  rows_in_ += AffectedRows(result);
  if (request().generated_key == nullptr || PQntuples(result) != 1) {
    return absl::OkStatus();  // a row that is missing is noticed at the end
  }
  const auto key = IntegerCell(result, 0, 0);
  if (!key.has_value()) return KeysChanged(request());
  keys_.push_back(*key);
  return absl::OkStatus();
}

absl::Status RowInsertTask::Explain(std::size_t step,
                                    const absl::Status& error) const {
  if (request().rows == 1) return error;
  return Annotate(error, absl::StrCat("row ", step + 1));
}

void PageInsertTask::Prepare(const InsertRequest& request, std::string text) {
  InsertTask::Prepare(request, std::move(text));
  if (request.generated_key != nullptr) types_.push_back(kInt4Oid);
  for (const sql::Column* column : request.columns) {
    types_.push_back(ElementFor(column->type()).array);
  }
  arrays_.resize(column_count());
  pages_.Cut(request);
}

bool PageInsertTask::Send(std::size_t step, Pipeline& pipeline) {
  const std::size_t begin = pages_.begin(step);
  const std::size_t rows = pages_.rows(step);
  const auto cells =
      request().values.subspan(begin * column_count(), rows * column_count());
  buffer_.Clear();
  if (request().generated_key != nullptr) {
    buffer_.Add(sql::ValueView::Int32(static_cast<std::int32_t>(rows)),
                kInt4Oid);
  }
  for (std::size_t i = 0; i < column_count(); ++i) {
    arrays_[i].Encode(request().columns[i]->type(), cells.subspan(i),
                      column_count());
    buffer_.AddBinary(arrays_[i].wire());
  }
  const bool sent = SendInsert(pipeline);
  for (ArrayParameter& array : arrays_) array.Trim();
  return sent;
}

absl::Status PageInsertTask::Receive(std::size_t step, const PGresult* result) {
  if (fetches()) return TakeFetched(result);
  if (request().generated_key != nullptr) {
    return TakeKeys(pages_.rows(step), result);
  }
  rows_in_ += AffectedRows(result);
  return absl::OkStatus();
}

// The keys, how many rows went in and a checksum of their keys: see
// KeyedPageInsertText. Without it a trigger that numbers rows by itself would
// go unnoticed.
absl::Status PageInsertTask::TakeKeys(std::size_t rows,
                                      const PGresult* result) {
  constexpr std::size_t kHeadBytes = 20;
  constexpr std::size_t kElementBytes = 12;  // length and number
  if (PQntuples(result) != 1 || PQnfields(result) != 3) {
    return KeysChanged(request());
  }
  const std::size_t rows_in = IntegerCell(result, 0, 1).value_or(0);
  rows_in_ += rows_in;
  if (rows_in != rows) return absl::OkStatus();  // noticed at the end
  if (PQgetlength(result, 0, 0) !=
      static_cast<int>(kHeadBytes + rows * kElementBytes)) {
    return KeysChanged(request());
  }
  const char* in = PQgetvalue(result, 0, 0) + kHeadBytes;
  std::int64_t checksum = 0;
  for (std::size_t i = 0; i < rows; ++i, in += kElementBytes) {
    keys_.push_back(Take<std::int64_t>(in + 4));
    checksum += keys_.back() & 0xFFFFFFFF;
  }
  if (IntegerCell(result, 0, 2) != checksum) return KeysChanged(request());
  return absl::OkStatus();
}

absl::Status PageInsertTask::Explain(std::size_t step,
                                     const absl::Status& error) const {
  return pages_.Explain(step, error);
}

}  // namespace shard::postgres
