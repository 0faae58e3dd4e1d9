// A statement that is run for rows of a bulk operation.
#ifndef SHARD_SESSION_ROW_STATEMENT_H_
#define SHARD_SESSION_ROW_STATEMENT_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/session/bulk_part.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/identity_key.h"
#include "shard/sql/dml.h"
#include "shard/sql/value.h"

namespace shard {

// A statement whose parameters are named after fields, but for those of the
// condition that stands last: the key and the version that the row has.
class RowStatement {
 public:
  // `condition`: how many parameters that has. kInvalidArgument: the SQL of a
  // default has a parameter of its own.
  static absl::StatusOr<RowStatement> Make(
      std::shared_ptr<const CompiledStatement> compiled, const Mapping& mapping,
      std::size_t condition);
  const CompiledStatement* get() const { return compiled_.get(); }
  // `next_version` stands for the version where that is set.
  void AppendValues(const BulkRow& row, const sql::ValueView& next_version,
                    std::vector<sql::ValueView>* out) const {
    AppendValues(row, next_version, 0, size(), out);
  }
  // Those of the parameters from `begin` to `end`.
  void AppendValues(const BulkRow& row, const sql::ValueView& next_version,
                    std::size_t begin, std::size_t end,
                    std::vector<sql::ValueView>* out) const;
  std::size_t size() const { return sources_.size(); }
  bool sets_version() const { return sets_version_; }

 private:
  RowStatement() = default;

  struct Source {
    std::size_t field;
    sql::ValueView literal;
    enum { kLiteral, kField, kNextVersion } kind;
  };
  std::shared_ptr<const CompiledStatement> compiled_;
  std::vector<Source> sources_;
  bool sets_version_ = false;
};

// The INSERT of `rows` rows of a shape, its values parameters.
sql::InsertStatement BulkInsertOf(const BulkPart& part, const BulkShape& shape,
                                  std::size_t rows);
// Keys that RETURNING brought back.
KeyValue KeyOfReturned(const Mapping& mapping,
                       absl::Span<const sql::ValueView> row);

}  // namespace shard

#endif  // SHARD_SESSION_ROW_STATEMENT_H_
