// Rows of a mapped class as plain structs.
#ifndef SHARD_SESSION_STRUCT_STREAM_H_
#define SHARD_SESSION_STRUCT_STREAM_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/entity.h"
#include "shard/session/field_list.h"
#include "shard/session/mapping_statements.h"
#include "shard/session/object_loader.h"
#include "shard/session/row_stream.h"
#include "shard/sql/statement.h"
#include "shard/sql/type_adapter.h"

namespace shard {

namespace internal {

// The SELECT of whole objects as one of every field, in order.
sql::Statement WithAllFields(const Mapping& mapping,
                             const sql::SelectStatement& select);

// Fills in a struct from a row with a cell for each field, in order.
template <MappedClass E>
absl::Status ReadStruct(absl::Span<const sql::ValueView> cells,
                        typename E::Row* row) {
  std::size_t field = 0;
  absl::Status status;
  const auto read = [&](auto& value) {
    status = sql::TypeAdapter<std::remove_cvref_t<decltype(value)>>::Read(
        cells[field], &value);
    return status.ok() && ++field != 0;
  };
  VisitFields<CountFields<typename E::Columns>()>(
      *row, [&](auto&... values) { (read(values) && ...); });
  if (status.ok()) return status;
  return CellError(E::ClassMapping(), field, cells[field], status);
}

}  // namespace internal

// What ShardedSession::StreamRows returns: constant memory, no objects. One
// struct is filled again and again. Movable; belongs to the thread of its
// session. Lets go of the databases when it is destroyed.
template <MappedClass E>
class StructStream {
 public:
  explicit StructStream(std::shared_ptr<RowStream> rows)
      : rows_(std::move(rows)) {}
  StructStream(StructStream&&) noexcept = default;
  StructStream& operator=(StructStream&&) noexcept = default;

  // The next row, valid until the next call; null at the end.
  // kFailedPrecondition: the transaction has ended; kInvalidArgument: the row
  // holds what the class cannot take; or what the database said.
  absl::StatusOr<const typename E::Row*> Next() {
    if (next_ >= run_.rows || rows_->ended()) {
      SHARD_RETURN_IF_ERROR(NextRun());
      if (run_.rows == 0) return nullptr;
    }
    SHARD_RETURN_IF_ERROR(
        internal::ReadStruct<E>(run_.row(next_++), &current_));
    return &current_;
  }

  // All that are left.
  absl::StatusOr<std::vector<typename E::Row>> All() {
    std::vector<typename E::Row> all;
    if (rows_->ended()) run_ = RowRun();  // what it points to is gone
    while (true) {
      for (; next_ < run_.rows; ++next_) {
        SHARD_RETURN_IF_ERROR(
            internal::ReadStruct<E>(run_.row(next_), &all.emplace_back()));
      }
      SHARD_RETURN_IF_ERROR(NextRun());
      if (run_.rows == 0) return all;
    }
  }

 private:
  absl::Status NextRun() {
    next_ = 0;
    run_ = RowRun();
    SHARD_ASSIGN_OR_RETURN(run_, rows_->NextRun());
    return absl::OkStatus();
  }

  std::shared_ptr<RowStream> rows_;
  RowRun run_;
  std::size_t next_ = 0;  // in run_
  typename E::Row current_{};
};

}  // namespace shard

#endif  // SHARD_SESSION_STRUCT_STREAM_H_
