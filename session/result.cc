#include "shard/session/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"

namespace shard {

absl::Status Row::CheckColumn(std::size_t column) const {
  if (column < values_.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the row has ", values_.size(), " columns and none at ", column));
}

absl::StatusOr<std::size_t> Row::IndexOf(std::string_view column) const {
  for (std::size_t i = 0; i < columns_->size(); ++i) {
    if ((*columns_)[i].name == column) return i;
  }
  std::string names;
  for (const ResultColumn& known : *columns_) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", known.name);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the row has no column '", ToAbsl(column), "', only ", names));
}

absl::Status Row::Wrong(std::size_t column, const absl::Status& status) const {
  return Annotate(status,
                  absl::StrCat("column '", (*columns_)[column].name, "'"));
}

Row Result::Copy(const StreamRow& row) {
  if (columns_ == nullptr) {
    columns_ = std::make_shared<const std::vector<ResultColumn>>(columns());
  }
  std::vector<sql::Value> values;
  values.reserve(row.cells.size());
  for (const sql::ValueView& cell : row.cells) values.emplace_back(cell);
  return Row(columns_, std::move(values), row.bind.shard);
}

absl::StatusOr<std::vector<Row>> Result::All() {
  std::vector<Row> rows;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const StreamRow* row, Next());
    if (row == nullptr) return rows;
    rows.push_back(Copy(*row));
  }
}

absl::StatusOr<Row> Result::One() {
  SHARD_ASSIGN_OR_RETURN(const StreamRow* first, Next());
  if (first == nullptr) {
    return absl::NotFoundError("no row was found where one is required");
  }
  Row row = Copy(*first);
  SHARD_ASSIGN_OR_RETURN(const StreamRow* second, Next());
  if (second != nullptr) {
    return absl::FailedPreconditionError(
        "several rows were found where one is required");
  }
  return row;
}

}  // namespace shard
