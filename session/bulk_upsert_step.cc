#include "shard/session/bulk_upsert_step.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/flush_fields.h"
#include "shard/session/mapping_statements.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

constexpr std::size_t kPageRows = 128;          // more gain little
constexpr std::size_t kMostParameters = 30000;  // SQLite takes 32766

// What a row that is there gets: what was given, not what defaults made.
std::vector<sql::ColumnAssignment> UpdatesOf(
    const BulkPart& part, const BulkShape& shape,
    const std::vector<const sql::Column*>& target) {
  std::vector<sql::ColumnAssignment> updates;
  const Mapping& mapping = part.mapping();
  for (const MappedField& field : mapping.fields()) {
    const sql::Column& column = *field.column;
    if (HasField(shape.updated, column.index()) &&
        std::find(target.begin(), target.end(), &column) == target.end()) {
      // (What is not inserted was left to its default, being NULL.)
      updates.push_back({&column, HasField(shape.values, column.index())
                                      ? sql::Excluded(column)
                                      : sql::Literal(sql::Value())});
    }
  }
  if (updates.empty()) return updates;  // nothing to change: DO NOTHING
  for (const MappedField& field : mapping.fields()) {
    const sql::Column& column = *field.column;
    if (HasField(mapping.onupdates() & ~shape.updated, column.index())) {
      updates.push_back({&column, column.onupdate()()});
    }
  }
  if (mapping.version() == VersionKind::kClient) {
    const sql::Column& version = *mapping.field(mapping.version_field()).column;
    updates.push_back(
        {&version, sql::Binary(sql::BinaryOp::kAdd, version.expression(),
                               sql::Literal(sql::Value(std::int64_t{1})))});
  }
  return updates;
}

// A row that is there may have another key than the one given, unless it was
// found by that.
bool KeysComeBack(const BulkPart& part, const BulkShape& shape) {
  return part.options().return_defaults &&
         (shape.key != BulkKeySource::kGiven ||
          !part.options().conflict.empty());
}

sql::Statement UpsertOf(const BulkPart& part, const BulkShape& shape,
                        std::size_t rows) {
  const Mapping& mapping = part.mapping();
  std::vector<const sql::Column*> target = part.options().conflict;
  if (target.empty()) target = mapping.table().primary_key();
  sql::InsertStatement insert = BulkInsertOf(part, shape, rows);
  std::vector<sql::ColumnAssignment> updates = UpdatesOf(part, shape, target);
  if (updates.empty() && KeysComeBack(part, shape)) {
    // DO NOTHING would not tell the key.
    updates.push_back({target.front(), sql::Excluded(*target.front())});
  }
  if (updates.empty()) {
    insert.OnConflictDoNothing(std::move(target));
  } else {
    insert.OnConflictUpdate(std::move(target), std::move(updates));
  }
  if (KeysComeBack(part, shape)) {
    AddReturning(mapping, mapping.key_set(), insert);
  }
  return sql::Statement(std::move(insert));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BulkStep>> BulkUpsertStep::Make(
    const BulkPart* part, const BulkShape& shape, const Dialect& dialect) {
  const auto cells =
      static_cast<std::size_t>(std::popcount(shape.values | shape.expressions));
  std::size_t rows =
      std::min(kPageRows, kMostParameters / std::max<std::size_t>(1, cells));
  // RETURNING promises no order.
  if (KeysComeBack(*part, shape) || cells == 0) rows = 1;
  SHARD_ASSIGN_OR_RETURN(auto one, dialect.Compile(UpsertOf(*part, shape, 1)));
  SHARD_ASSIGN_OR_RETURN(auto many,
                         dialect.Compile(UpsertOf(*part, shape, rows)));
  const Mapping& mapping = part->mapping();
  SHARD_ASSIGN_OR_RETURN(RowStatement single,
                         RowStatement::Make(std::move(one), mapping, 0));
  SHARD_ASSIGN_OR_RETURN(RowStatement page,
                         RowStatement::Make(std::move(many), mapping, 0));
  return std::make_unique<BulkUpsertStep>(part, shape, std::move(page), rows,
                                          std::move(single));
}

std::size_t BulkUpsertStep::ChunkRows(std::size_t left,
                                      const Connection& connection) const {
  const std::size_t chunk = BulkStep::ChunkRows(left, connection);
  return chunk < page_rows_ ? chunk : chunk / page_rows_ * page_rows_;
}

bool BulkUpsertStep::NotesKeys() const {
  return part().options().return_defaults && !KeysComeBack(part(), shape());
}

void BulkUpsertStep::Begin() { in_page_ = 0; }

// What the ON CONFLICT clause asks for stands behind the last row of a page.
void BulkUpsertStep::Append(const BulkRow& row) {
  const std::size_t all = single_.size();
  const std::size_t page_rows = chunk() % page_rows_ == 0 ? page_rows_ : 1;
  const std::size_t of_row =
      page_rows == 1 ? all : (page_.size() - all) / (page_rows - 1);
  single_.AppendValues(row, {}, 0, of_row, &values_);
  if (++in_page_ < page_rows) return;
  single_.AppendValues(row, {}, of_row, all, &values_);
  in_page_ = 0;
}

absl::Status BulkUpsertStep::Send(Share& share) {
  if (chunk() % page_rows_ != 0) {
    return share.Start({single_.get(), values_, chunk()});
  }
  return share.Start({page_.get(), values_, chunk() / page_rows_});
}

absl::Status BulkUpsertStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(outcome_, share.Finish(&returned_));
  if (!single_.get()->returns_rows) return absl::OkStatus();
  return CheckArrived(returned_.rows(), share);
}

absl::Status BulkUpsertStep::Apply(const Share&, std::vector<KeyValue>* keys) {
  if (!part().options().return_defaults) return absl::OkStatus();
  for (std::size_t i = 0; i < chunk(); ++i) {
    (*keys)[position_of(i)] = NotesKeys()
                                  ? std::move(keys_[i])
                                  : KeyOfReturned(mapping(), returned_.row(i));
  }
  return absl::OkStatus();
}

}  // namespace shard
