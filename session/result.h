// What Execute returns.
#ifndef SHARD_SESSION_RESULT_H_
#define SHARD_SESSION_RESULT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/session/row_stream.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/value.h"

namespace shard {

// One row, on its own: owns its values.
class Row {
 public:
  Row(std::shared_ptr<const std::vector<ResultColumn>> columns,
      std::vector<sql::Value> values, ShardId shard)
      : columns_(std::move(columns)),
        values_(std::move(values)),
        shard_(shard) {}

  std::size_t size() const { return values_.size(); }
  const std::vector<sql::Value>& values() const { return values_; }
  ShardId shard() const { return shard_; }  // where it came from

  // The value as a T; std::optional<T> takes NULL too. kInvalidArgument, naming
  // the column, for another type or an unknown column.
  template <class T>
  absl::StatusOr<T> Get(std::size_t column) const {
    SHARD_RETURN_IF_ERROR(CheckColumn(column));
    T value{};
    const absl::Status status =
        sql::TypeAdapter<T>::Read(values_[column].view(), &value);
    if (!status.ok()) return Wrong(column, status);
    return value;
  }
  template <class T>
  absl::StatusOr<T> Get(std::string_view column) const {
    SHARD_ASSIGN_OR_RETURN(const std::size_t index, IndexOf(column));
    return Get<T>(index);
  }

 private:
  absl::Status CheckColumn(std::size_t column) const;
  absl::StatusOr<std::size_t> IndexOf(std::string_view column) const;
  absl::Status Wrong(std::size_t column, const absl::Status& status) const;

  std::shared_ptr<const std::vector<ResultColumn>> columns_;
  std::vector<sql::Value> values_;
  ShardId shard_;
};

// The answer to one Execute. Rows of a SELECT stream in while they are read, a
// batch at a time, so a result need not fit in memory; read them before the
// transaction ends. Whether rows that the transaction changes meanwhile show up
// is the database's choice (SQLite may show them, PostgreSQL does not): read on
// before you flush. Rows of raw text and of RETURNING are all here at once.
// Movable; belongs to the thread of its session, which must outlive it.
class Result {
 public:
  Result(std::shared_ptr<RowStream> rows, std::int64_t affected)
      : rows_(std::move(rows)), affected_(affected) {}

  const std::vector<ResultColumn>& columns() const { return rows_->columns(); }
  // Rows changed by an INSERT, UPDATE or DELETE, over all shards.
  std::int64_t affected_rows() const { return affected_; }

  // The next row without copying it: its cells are valid until the next call.
  // Null at the end.
  absl::StatusOr<const StreamRow*> Next() { return rows_->Next(); }
  // All rows that are left.
  absl::StatusOr<std::vector<Row>> All();
  // The one row: kNotFound for none, kFailedPrecondition for several.
  absl::StatusOr<Row> One();
  // The first value of the one row.
  template <class T>
  absl::StatusOr<T> Scalar() {
    SHARD_ASSIGN_OR_RETURN(const Row row, One());
    return row.Get<T>(0);
  }

 private:
  Row Copy(const StreamRow& row);
  std::shared_ptr<RowStream> rows_;
  std::int64_t affected_;
  std::shared_ptr<const std::vector<ResultColumn>> columns_;  // for rows' names
};

}  // namespace shard

#endif  // SHARD_SESSION_RESULT_H_
