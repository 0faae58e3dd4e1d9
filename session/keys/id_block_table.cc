#include "shard/session/keys/id_block_table.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"

namespace shard {
namespace {

using sql::BinaryOp;
using sql::ValueType;

const sql::Expression& ReservedTo() {
  return IdBlocksTable().FindColumn("reserved_to")->expression();
}

sql::Expression OfTheName() {
  return sql::Binary(BinaryOp::kEqual, IdBlocksTable().c("name"),
                     sql::Parameter("name", ValueType::kText));
}

// Moves the row, unless it would get past the last id.
const sql::Statement& MoveStatement() {
  static const sql::Statement& statement = *new sql::Statement(
      sql::UpdateStatement(IdBlocksTable())
          .Set({IdBlocksTable().FindColumn("reserved_to"),
                sql::Binary(BinaryOp::kAdd, ReservedTo(),
                            sql::Parameter("count", ValueType::kInt64))})
          .Where(OfTheName())
          .Where(sql::Binary(BinaryOp::kLessOrEqual, ReservedTo(),
                             sql::Parameter("most", ValueType::kInt64)))
          .Returning(ReservedTo()));
  return statement;
}

const sql::Statement& ReadStatement() {
  static const sql::Statement& statement = *new sql::Statement(
      sql::SelectStatement().Column(ReservedTo()).Where(OfTheName()));
  return statement;
}

const sql::Statement& BeginStatement() {
  static const sql::Statement& statement = *new sql::Statement(
      sql::InsertStatement(IdBlocksTable())
          .Values({sql::Assign(IdBlocksTable(), "name",
                               sql::Parameter("name", ValueType::kText)),
                   sql::Assign(IdBlocksTable(), "reserved_to",
                               sql::Parameter("to", ValueType::kInt64))})
          .OnConflictDoNothing({IdBlocksTable().FindColumn("name")})
          .Returning(ReservedTo()));
  return statement;
}

// More would be a row that somebody else keeps moving back and forth.
constexpr int kMostTries = 100;

}  // namespace

const sql::Table& IdBlocksTable() {
  static const sql::Table& table = *new sql::Table(
      "shard_id_blocks",
      {{.name = "name", .type = ValueType::kText, .primary_key = true},
       {.name = "reserved_to", .type = ValueType::kInt64, .nullable = false}});
  return table;
}

IdBlockTable::IdBlockTable(std::shared_ptr<Engine> engine, std::string name,
                           IdRange bounds, absl::Duration timeout)
    : name_(std::move(name)),
      bounds_(bounds),
      connection_(std::move(engine), timeout) {}

absl::StatusOr<std::optional<std::int64_t>> IdBlockTable::Run(
    const sql::Statement& statement, const sql::Parameters& parameters) {
  SHARD_RETURN_IF_ERROR(
      connection_.Run(statement, parameters, &rows_).status());
  if (rows_.rows() == 0) return std::nullopt;
  return rows_.row(0)[0].integer();
}

absl::StatusOr<std::optional<std::int64_t>> IdBlockTable::Move(
    std::int64_t count) {
  return Run(MoveStatement(), {{"name", sql::Value(name_)},
                               {"count", sql::Value(count)},
                               {"most", sql::Value(bounds_.last - count)}});
}

absl::StatusOr<std::optional<std::int64_t>> IdBlockTable::Begin(
    std::int64_t count) {
  return Run(BeginStatement(), {{"name", sql::Value(name_)},
                                {"to", sql::Value(bounds_.first - 1 + count)}});
}

absl::StatusOr<IdRange> IdBlockTable::Reserve(std::int64_t least,
                                              std::int64_t most) {
  for (int tries = 0; tries < kMostTries; ++tries) {
    SHARD_ASSIGN_OR_RETURN(auto reserved_to, Move(most));
    if (reserved_to.has_value()) {
      return IdRange{*reserved_to - most + 1, *reserved_to};
    }
    // There is no row, or there are fewer ids left.
    SHARD_ASSIGN_OR_RETURN(const auto found,
                           Run(ReadStatement(), {{"name", sql::Value(name_)}}));
    const std::int64_t used =
        std::max<std::int64_t>(found.value_or(bounds_.first - 1), 0);
    const std::int64_t left = bounds_.last - used;
    if (left < least) {
      return absl::OutOfRangeError(absl::StrCat(
          "'", connection_.engine().name(), "': of sequence '", name_,
          "' all ids up to ", used, " are given out, and ", bounds_.last,
          " is the last one (IdBlockOptions::last)"));
    }
    most = std::min(most, left);
    if (found.has_value()) continue;
    SHARD_ASSIGN_OR_RETURN(reserved_to, Begin(most));
    if (reserved_to.has_value()) {
      return IdRange{*reserved_to - most + 1, *reserved_to};
    }
  }
  return absl::AbortedError(
      absl::StrCat("'", connection_.engine().name(), "': the row of sequence '",
                   name_, "' in table shard_id_blocks comes and goes"));
}

}  // namespace shard
