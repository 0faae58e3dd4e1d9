// Rows of several columns as std::tuples.
#ifndef SHARD_SESSION_TUPLE_ROWS_H_
#define SHARD_SESSION_TUPLE_ROWS_H_

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/row_stream.h"
#include "shard/sql/type_adapter.h"

namespace shard::internal {

// Fills in a tuple from a row with a cell for each element. kInvalidArgument,
// naming the column, for what its type cannot take.
template <class... Ts>
absl::Status ReadTuple(const RowStream& rows,
                       absl::Span<const sql::ValueView> cells,
                       std::tuple<Ts...>* row) {
  std::size_t column = 0;
  absl::Status status;
  const auto read = [&](auto& value) {
    status = sql::TypeAdapter<std::remove_cvref_t<decltype(value)>>::Read(
        cells[column], &value);
    return status.ok() && ++column != 0;
  };
  std::apply([&](auto&... values) { (void)(read(values) && ...); }, *row);
  if (status.ok()) return status;
  return Annotate(status,
                  absl::StrCat("column '", rows.columns()[column].name, "'"));
}

// All that are left.
template <class... Ts>
absl::StatusOr<std::vector<std::tuple<Ts...>>> ReadTuples(RowStream& rows) {
  std::vector<std::tuple<Ts...>> all;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const RowRun run, rows.NextRun());
    if (run.rows == 0) return all;
    for (std::size_t i = 0; i < run.rows; ++i) {
      SHARD_RETURN_IF_ERROR(ReadTuple(rows, run.row(i), &all.emplace_back()));
    }
  }
}

}  // namespace shard::internal

#endif  // SHARD_SESSION_TUPLE_ROWS_H_
