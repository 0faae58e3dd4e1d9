#include "shard/dialects/postgres/insert_pages.h"

#include "absl/strings/str_cat.h"
#include "shard/dialects/errors.h"
#include "shard/sql/value.h"

namespace shard::postgres {
namespace {

constexpr std::size_t kMostRows = 10'000;
constexpr std::size_t kMostBytes = 16 << 20;

std::size_t BytesOf(const sql::ValueView& value) {
  return value.holds_bytes() ? value.bytes().size() + 4 : 12;
}

}  // namespace

void InsertPages::Cut(absl::Span<const sql::ValueView> values,
                      std::size_t columns, std::size_t rows) {
  ends_.clear();
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    std::size_t row_bytes = 0;
    for (const sql::ValueView& cell : values.subspan(row * columns, columns)) {
      row_bytes += BytesOf(cell);
    }
    if (row > begin &&
        (row - begin == kMostRows || bytes + row_bytes > kMostBytes)) {
      ends_.push_back(row);
      begin = row;
      bytes = 0;
    }
    bytes += row_bytes;
  }
  ends_.push_back(rows);
}

absl::Status InsertPages::Explain(std::size_t page,
                                  const absl::Status& error) const {
  if (size() == 1) return error;
  return Annotate(error,
                  absl::StrCat("rows ", begin(page) + 1, " to ", end(page)));
}

}  // namespace shard::postgres
