// A batch of rows whose values are made of CSV fields.
#ifndef SHARD_SESSION_CSV_ROWS_H_
#define SHARD_SESSION_CSV_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/csv_reader.h"
#include "shard/session/mapping.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Every row gives the same fields. Not thread-safe while rows are added.
class CsvRows final : public BulkRows, public CsvFields {
 public:
  explicit CsvRows(const Mapping* mapping, std::string null_text)
      : BulkRows(mapping), null_text_(std::move(null_text)) {}

  // What the fields of a record are. kInvalidArgument for a column that the
  // class has not, or that is named twice.
  absl::Status SetColumns(const std::vector<std::string>& names);
  const std::vector<std::uint16_t>& columns() const { return columns_; }
  std::uint64_t given() const { return given_; }  // the same as bits

  // Drops all rows; their memory is used again.
  void Clear();
  void TakeField(std::optional<std::string_view> text) override;
  // Makes a row, with that place in the batch, of the fields taken since the
  // last one. Or none, and says why: their number is wrong, or one of them is
  // no value of its column, which is named.
  absl::Status FinishRow(std::size_t position);
  // Forgets them.
  void DropFields();

  std::size_t size() const override { return positions_.size(); }
  absl::Status Read(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) const override;
  std::size_t position(std::size_t index) const override {
    return positions_[index];
  }
  // Values have their columns' types; NULL stands anywhere.
  bool is_typed() const override { return false; }

 private:
  bool IsNull(const std::optional<std::string_view>& text) const {
    return null_text_.empty() ? !text.has_value()
                              : text.has_value() && *text == null_text_;
  }

  const std::string null_text_;
  std::vector<std::uint16_t> columns_;  // the field that each of them fills
  std::vector<sql::ValueType> types_;
  std::uint64_t given_ = 0;
  sql::ByteArena arena_;
  std::vector<sql::ValueView> cells_;  // row by row
  std::vector<std::size_t> positions_;
  std::size_t fields_ = 0;  // of the row at hand
  absl::Status problem_;    // its first
};

}  // namespace shard

#endif  // SHARD_SESSION_CSV_ROWS_H_
