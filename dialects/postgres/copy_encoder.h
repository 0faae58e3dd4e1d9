// Rows as binary COPY takes them.
#ifndef SHARD_DIALECTS_POSTGRES_COPY_ENCODER_H_
#define SHARD_DIALECTS_POSTGRES_COPY_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "shard/dialects/postgres/pg_types.h"
#include "shard/sql/value.h"

namespace shard::postgres {

// How a column's values travel. COPY converts nothing: it must be the form that
// the column's own type has on the wire.
enum class CopyForm {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kDouble,
  kTimestamp,
  kDate,
  kNumeric,
  kBytes,  // text and uuid, too
  kJsonb
};

// What travels as kNumeric must be what IsPlainNumeric (numeric_form.h).
//
// For values of a column mapped as `mapped`, whose type in the database is
// `type`. Nothing where an INSERT would have to convert them.
std::optional<CopyForm> CopyFormOf(sql::ValueType mapped, TypeOid type);
// For a generated key, that an Int64 holds here.
std::optional<CopyForm> CopyFormOfKey(TypeOid type);

// Writes pages of rows, each one COPY, in pieces of limited size whatever the
// size of a value. Allocates once. Not thread-safe.
class CopyEncoder {
 public:
  static constexpr std::size_t kPieceBytes = 64 << 10;

  // `forms`: of the key, if there are keys, and of the columns of `values`,
  // which were checked. All spans must live until the last piece is taken.
  void Start(absl::Span<const CopyForm> forms,
             absl::Span<const sql::ValueView> values,
             absl::Span<const std::int64_t> keys);
  // Rows from `begin` to before `end`, which may be none.
  void StartPage(std::size_t begin, std::size_t end);
  // Valid until the next call; empty when the page is complete.
  std::string_view NextPiece();

 private:
  char* StartRow(char* out);
  char* PutCell(CopyForm form, const sql::ValueView& value, char* out);
  char* PutRest(char* out, const char* end);

  absl::Span<const CopyForm> forms_;
  absl::Span<const sql::ValueView> values_;
  absl::Span<const std::int64_t> keys_;
  std::size_t row_ = 0;  // the next, or the one being written
  std::size_t end_ = 0;
  std::size_t cell_ = 0;      // of that row; past the last: between rows
  std::size_t value_ = 0;     // of values_
  std::string_view rest_;     // of a value that is being written
  bool head_is_due_ = false;  // of a page
  bool over_ = true;
  std::unique_ptr<char[]> piece_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_COPY_ENCODER_H_
