#include "shard/session/bulk_returning_step.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/bulk_insert_step.h"
#include "shard/session/mapping_statements.h"
#include "shard/sql/dml.h"

namespace shard {

absl::StatusOr<std::unique_ptr<BulkStep>> BulkReturningStep::Make(
    const BulkPart* part, const BulkShape& shape, const Dialect& dialect) {
  sql::InsertStatement insert = BulkInsertOf(*part, shape, 1);
  if (part->options().return_defaults && shape.key != BulkKeySource::kGiven) {
    AddReturning(part->mapping(), part->mapping().key_set(), insert);
  }
  SHARD_ASSIGN_OR_RETURN(auto compiled, dialect.Compile(std::move(insert)));
  SHARD_ASSIGN_OR_RETURN(
      RowStatement statement,
      RowStatement::Make(std::move(compiled), part->mapping(), 0));
  return std::make_unique<BulkReturningStep>(part, shape, std::move(statement));
}

bool BulkReturningStep::NotesKeys() const {
  return part().options().return_defaults &&
         shape().key == BulkKeySource::kGiven;
}

void BulkReturningStep::Append(const BulkRow& row) {
  statement_.AppendValues(row, {}, &values_);
}

absl::Status BulkReturningStep::Send(Share& share) {
  return share.Start({statement_.get(), values_, chunk()});
}

absl::Status BulkReturningStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(outcome_, share.Finish(&returned_));
  if (statement_.get()->returns_rows) {
    return CheckArrived(returned_.rows(), share);
  }
  if (!mapping().options().returning) return absl::OkStatus();
  return CheckArrived(static_cast<std::size_t>(outcome_.total_affected()),
                      share);
}

absl::Status BulkReturningStep::Apply(const Share& share,
                                      std::vector<KeyValue>* keys) {
  if (!part().options().return_defaults) return absl::OkStatus();
  for (std::size_t i = 0; i < chunk(); ++i) {
    KeyValue key = NotesKeys() ? std::move(keys_[i])
                               : KeyOfReturned(mapping(), returned_.row(i));
    SHARD_RETURN_IF_ERROR(ApplyToObject(
        [this, keys, index = index_of(i), key = std::move(key),
         place = Bind{share.bind().engine, ShardInIdentity(share)}]() mutable {
          TakeInserted(part(), index, std::move(key), place, shape().values,
                       keys);
          return absl::OkStatus();
        }));
  }
  return absl::OkStatus();
}

}  // namespace shard
