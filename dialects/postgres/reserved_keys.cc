#include "shard/dialects/postgres/reserved_keys.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/postgres_dialect.h"

namespace shard::postgres {
namespace {

constexpr char kTake[] =
    "SELECT nextval(s.name) FROM (SELECT "
    "pg_get_serial_sequence($1::text, $2::text)::regclass AS name OFFSET 0) AS "
    "s, generate_series(1, $3::int8)";

}  // namespace

absl::StatusOr<ReservedKeys> ReservedKeys::Take(Link& link,
                                                const InsertRequest& request) {
  const sql::Column& key = *request.generated_key;
  SHARD_ASSIGN_OR_RETURN(const std::string table,
                         request.QuotedTable(PostgresDialect::Instance()));
  SHARD_ASSIGN_OR_RETURN(
      const TextRows rows,
      link.LookUp(kTake, {table, key.name(), absl::StrCat(request.rows)}));
  ReservedKeys reserved;
  reserved.request_ = request;
  reserved.columns_.push_back(&key);
  reserved.columns_.insert(reserved.columns_.end(), request.columns.begin(),
                           request.columns.end());
  const std::size_t count = request.columns.size();
  for (std::size_t row = 0; row < request.rows; ++row) {
    std::int64_t number = 0;
    if (row >= rows.size() || !absl::SimpleAtoi(rows[row][0], &number)) {
      return absl::FailedPreconditionError(absl::StrCat(
          key.QualifiedName(),
          " owns no sequence to take numbers from, and RETURNING is not to be "
          "used; give the new rows keys"));
    }
    reserved.keys_.push_back(number);
    reserved.values_.push_back(sql::ValueView::Int64(number));
    const auto cells = request.values.subspan(row * count, count);
    reserved.values_.insert(reserved.values_.end(), cells.begin(), cells.end());
  }
  return reserved;
}

InsertRequest ReservedKeys::Request() const {
  InsertRequest request = request_;
  request.generated_key = nullptr;
  request.columns = columns_;
  request.values = values_;
  return request;
}

}  // namespace shard::postgres
