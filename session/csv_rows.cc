#include "shard/session/csv_rows.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/base/strings.h"
#include "shard/session/text_value.h"

namespace shard {
namespace {

// So that a header which is none does not fill the screen.
std::string Shown(const std::string& name) {
  constexpr std::size_t kMost = 64;
  return absl::CHexEscape(name.substr(0, kMost)) +
         (name.size() > kMost ? "..." : "");
}

std::string Names(const Mapping& mapping) {
  return absl::StrJoin(mapping.fields(), ", ",
                       [](std::string* out, const MappedField& field) {
                         out->append(field.column->name());
                       });
}

}  // namespace

absl::Status CsvRows::SetColumns(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const sql::Column* column = mapping().table().FindColumn(name);
    if (column == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(mapping().class_info().name, " has no column '",
                       Shown(name), "', but ", Names(mapping())));
    }
    const std::uint64_t bit = std::uint64_t{1} << column->index();
    if ((given_ & bit) != 0) {
      return ColumnError(mapping(), column->index(), "is named twice");
    }
    given_ |= bit;
    columns_.push_back(static_cast<std::uint16_t>(column->index()));
    types_.push_back(column->type());
  }
  return absl::OkStatus();
}

void CsvRows::Clear() {
  arena_.Clear();
  cells_.clear();
  positions_.clear();
  DropFields();
}

void CsvRows::TakeField(std::optional<std::string_view> text) {
  const std::size_t place = fields_++;
  if (place >= columns_.size()) return;
  sql::ValueView& cell = cells_.emplace_back();
  if (IsNull(text) || !problem_.ok()) return;
  absl::Status parsed =
      ParseValue(types_[place], text.value_or(""), arena_, &cell);
  if (parsed.ok()) [[likely]]
    return;
  problem_ = ColumnError(mapping(), columns_[place], ToStd(parsed.message()));
}

absl::Status CsvRows::FinishRow(std::size_t position) {
  if (fields_ != columns_.size()) {
    problem_ = absl::InvalidArgumentError(
        absl::StrCat("has ", fields_, fields_ == 1 ? " field" : " fields",
                     ", and there are ", columns_.size(), " columns"));
  }
  if (!problem_.ok()) {
    absl::Status problem = std::exchange(problem_, absl::OkStatus());
    DropFields();
    return problem;
  }
  positions_.push_back(position);
  fields_ = 0;
  return absl::OkStatus();
}

void CsvRows::DropFields() {
  cells_.resize(positions_.size() * columns_.size());
  fields_ = 0;
  problem_ = absl::OkStatus();
}

absl::Status CsvRows::Read(std::size_t index, BulkRow* row,
                           sql::ByteArena&) const {
  row->given = given_;
  row->object = nullptr;
  const sql::ValueView* cell = cells_.data() + index * columns_.size();
  for (const std::uint16_t column : columns_) row->cells[column] = *cell++;
  return absl::OkStatus();
}

}  // namespace shard
