// A column of many rows as one parameter.
#ifndef SHARD_DIALECTS_POSTGRES_ARRAY_PARAMETER_H_
#define SHARD_DIALECTS_POSTGRES_ARRAY_PARAMETER_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/dialects/postgres/pg_types.h"
#include "shard/sql/value.h"

namespace shard::postgres {

// How the values of a column travel in an array.
struct ArrayElement {
  TypeOid element;
  TypeOid array;
  std::string_view array_name;  // in SQL
  bool as_text;                 // cast to the column's own type, if need be
};
const ArrayElement& ElementFor(sql::ValueType column_type);

// Whether a column of `column_type` takes `value`. kInvalidArgument for another
// type, and all that CheckValue refuses.
absl::Status CheckElement(const sql::ValueView& value,
                          sql::ValueType column_type);

// The bytes of one array. Refilled without allocating.
class ArrayParameter {
 public:
  // `cells`: rows of `stride` cells, of which the first counts in each. All
  // were checked.
  void Encode(sql::ValueType column_type,
              absl::Span<const sql::ValueView> cells, std::size_t stride);
  std::string_view wire() const { return {data_.get(), size_}; }
  // Gives back memory that only an unusually large page needed.
  void Trim();

 private:
  char* Resize(std::size_t most);

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_ARRAY_PARAMETER_H_
