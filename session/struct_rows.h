// Plain structs as the input of a bulk operation.
#ifndef SHARD_SESSION_STRUCT_ROWS_H_
#define SHARD_SESSION_STRUCT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/entity.h"
#include "shard/session/field_list.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/type_adapter.h"

namespace shard {

namespace internal {

// Whether TypeAdapter<T>::View never gives NULL, as far as is known here.
template <class T>
inline constexpr bool kNeverNull = std::is_base_of_v<
    sql::internal::BuiltinAdapter<sql::TypeAdapter<T>::kType, T>,
    sql::TypeAdapter<T>>;

}  // namespace internal

// Rows of E::Row, whose values are looked at where they are.
template <MappedClass E>
class StructRows final : public BulkRows {
 public:
  // `left_out`: fields that are not to be read, field i in bit i.
  StructRows(absl::Span<const typename E::Row> rows, std::uint64_t left_out)
      : BulkRows(&E::ClassMapping()), rows_(rows) {
    for (std::size_t i = 0; i < kFields; ++i) given_ |= std::uint64_t{1} << i;
    given_ &= ~left_out;
    if (rows.empty()) return;
    internal::VisitFields<kFields>(rows.front(), [&](const auto&... fields) {
      std::uint64_t bit = 1;
      ((never_null_ |=
        internal::kNeverNull<std::remove_cvref_t<decltype(fields)>> ? bit : 0,
        bit <<= 1),
       ...);
    });
  }
  std::optional<std::uint64_t> common_fields() const override { return given_; }
  std::uint64_t never_null() const override { return never_null_; }
  sql::ValueView Cell(std::size_t index, std::size_t field,
                      sql::ByteArena& arena) const override {
    sql::ValueView cell;
    internal::VisitFields<kFields>(rows_[index], [&](const auto&... fields) {
      std::size_t left = field;
      ((left-- == 0
            ? void(cell = sql::TypeAdapter<
                       std::remove_cvref_t<decltype(fields)>>::View(fields,
                                                                    arena))
            : void()),
       ...);
    });
    return cell;
  }
  std::size_t size() const override { return rows_.size(); }
  absl::Status Read(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) const override {
    row->given = given_;
    row->object = nullptr;
    sql::ValueView* cell = row->cells;
    internal::VisitFields<kFields>(rows_[index], [&](const auto&... fields) {
      ((*cell++ = sql::TypeAdapter<std::remove_cvref_t<decltype(fields)>>::View(
            fields, arena)),
       ...);
    });
    return absl::OkStatus();
  }

 private:
  static constexpr std::size_t kFields =
      internal::CountFields<typename E::Columns>();

  absl::Span<const typename E::Row> rows_;
  std::uint64_t given_ = 0;
  std::uint64_t never_null_ = 0;
};

}  // namespace shard

#endif  // SHARD_SESSION_STRUCT_ROWS_H_
