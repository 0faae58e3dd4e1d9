// Rows of a bulk operation that go by statements of the library's own.
#ifndef SHARD_SESSION_BULK_STATEMENT_STEP_H_
#define SHARD_SESSION_BULK_STATEMENT_STEP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/bulk_step.h"
#include "shard/sql/dml.h"
#include "shard/sql/statement.h"

namespace shard {

// A statement whose parameters are named after fields, but for those of the
// condition that stands last: the key and the version that the row has.
class RowStatement {
 public:
  RowStatement() = default;
  RowStatement(std::shared_ptr<const CompiledStatement> compiled,
               const Mapping& mapping, std::size_t condition);
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
  struct Source {
    std::size_t field;
    sql::ValueView literal;
    enum { kLiteral, kField, kNextVersion } kind;
  };
  std::shared_ptr<const CompiledStatement> compiled_;
  std::vector<Source> sources_;
  bool sets_version_ = false;
};

// INSERTs that need more than StartInsert does: SQL of defaults, or keys that
// only RETURNING can tell. A row in a statement, all in one batch.
class BulkReturningStep final : public BulkStep {
 public:
  static absl::StatusOr<std::unique_ptr<BulkStep>> Make(const BulkPart* part,
                                                        const BulkShape& shape,
                                                        const Dialect& dialect);
  BulkReturningStep(const BulkPart* part, const BulkShape& shape,
                    RowStatement statement)
      : BulkStep(part, shape), statement_(std::move(statement)) {}
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, BulkReport* report) override;

 private:
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  bool NotesKeys() const override;

  RowStatement statement_;
  RowBatch returned_;
};

// UPDATE or DELETE by key, and version where there is one: many rows in one
// statement where the database can, else a batch.
class BulkWriteStep final : public BulkStep {
 public:
  static absl::StatusOr<std::unique_ptr<BulkStep>> Make(const BulkPart* part,
                                                        const BulkShape& shape,
                                                        const Dialect& dialect);
  BulkWriteStep(const BulkPart* part, const BulkShape& shape,
                RowStatement statement)
      : BulkStep(part, shape), statement_(std::move(statement)) {}
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, BulkReport* report) override;

 private:
  void Begin() override;
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  absl::Status TakeVersion(std::size_t row, EntityBase& object) const;
  absl::Status NotThere(const std::vector<std::size_t>& rows,
                        Share& share) const;

  RowStatement statement_;
  std::vector<sql::Value> versions_;  // new ones of the chunk
};

// INSERT ... ON CONFLICT DO UPDATE, pages of rows in a statement.
class BulkUpsertStep final : public BulkStep {
 public:
  static absl::StatusOr<std::unique_ptr<BulkStep>> Make(const BulkPart* part,
                                                        const BulkShape& shape,
                                                        const Dialect& dialect);
  BulkUpsertStep(const BulkPart* part, const BulkShape& shape,
                 RowStatement page, std::size_t page_rows, RowStatement single)
      : BulkStep(part, shape),
        page_(std::move(page)),
        page_rows_(page_rows),
        single_(std::move(single)) {}
  absl::Status Finish(Share& share) override;
  absl::Status Apply(const Share& share, BulkReport* report) override;

 private:
  std::size_t ChunkRows(std::size_t left) const override;
  void Begin() override;
  void Append(const BulkRow& row) override;
  absl::Status Send(Share& share) override;
  bool NotesKeys() const override;

  RowStatement page_;
  std::size_t page_rows_;  // 1: there are no pages
  RowStatement single_;
  std::size_t in_page_ = 0;  // rows of it that are there
  RowBatch returned_;
};

// The INSERT of `rows` rows of a shape, its values parameters.
sql::InsertStatement BulkInsertOf(const BulkPart& part, const BulkShape& shape,
                                  std::size_t rows);
// Keys that RETURNING brought back.
KeyValue KeyOfReturned(const Mapping& mapping,
                       absl::Span<const sql::ValueView> row);

}  // namespace shard

#endif  // SHARD_SESSION_BULK_STATEMENT_STEP_H_
