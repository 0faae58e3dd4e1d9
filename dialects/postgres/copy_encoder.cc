#include "shard/dialects/postgres/copy_encoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "shard/dialects/postgres/numeric_form.h"
#include "shard/dialects/postgres/wire.h"

namespace shard::postgres {
namespace {

using sql::ValueType;
using sql::ValueView;

constexpr std::string_view kHead("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
// The most that is written without asking for room: a number and its length.
constexpr std::size_t kRoom = kMostNumericBytes + 4;

bool IsText(TypeOid type) {
  return type == kTextOid || type == kVarcharOid || type == kBpcharOid ||
         type == kJsonOid;
}

template <class T>
char* PutNumber(T value, char* out) {
  return Put(Put(out, static_cast<std::int32_t>(sizeof(value))), value);
}

double RealOf(const ValueView& value) {
  return value.type() == ValueType::kDouble
             ? value.real()
             : static_cast<double>(value.integer());
}

std::optional<CopyForm> When(bool same, CopyForm form) {
  return same ? std::optional(form) : std::nullopt;
}

}  // namespace

std::optional<CopyForm> CopyFormOf(ValueType mapped, TypeOid type) {
  switch (mapped) {
    case ValueType::kNull:
      return std::nullopt;
    case ValueType::kBool:
      return When(type == kBoolOid, CopyForm::kBool);
    case ValueType::kInt32:
      if (type == kInt4Oid) return CopyForm::kInt4;
      [[fallthrough]];  // it fits
    case ValueType::kInt64:
      return When(type == kInt8Oid, CopyForm::kInt8);
    case ValueType::kDouble:
      return When(type == kFloat8Oid, CopyForm::kDouble);
    case ValueType::kDecimal:
      if (type == kNumericOid) return CopyForm::kNumeric;
      [[fallthrough]];  // it is text
    case ValueType::kText:
    case ValueType::kJson:
      if (type == kJsonbOid) return CopyForm::kJsonb;
      return When(IsText(type), CopyForm::kBytes);
    case ValueType::kBytes:
      return When(type == kByteaOid, CopyForm::kBytes);
    case ValueType::kTimestamp:
      return When(type == kTimestamptzOid, CopyForm::kTimestamp);
    case ValueType::kDate:
      return When(type == kDateOid, CopyForm::kDate);
    case ValueType::kUuid:
      return When(type == kUuidOid, CopyForm::kBytes);
  }
  return std::nullopt;
}

std::optional<CopyForm> CopyFormOfKey(TypeOid type) {
  if (type == kInt2Oid) return CopyForm::kInt2;
  if (type == kInt4Oid) return CopyForm::kInt4;
  return When(type == kInt8Oid, CopyForm::kInt8);
}

void CopyEncoder::Start(absl::Span<const CopyForm> forms,
                        absl::Span<const ValueView> values,
                        absl::Span<const std::int64_t> keys) {
  forms_ = forms;
  values_ = values;
  keys_ = keys;
  if (piece_ == nullptr) {
    piece_ = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  }
}

void CopyEncoder::StartPage(std::size_t begin, std::size_t end) {
  row_ = begin;
  end_ = end;
  cell_ = forms_.size();
  value_ = begin * (forms_.size() - (keys_.empty() ? 0 : 1));
  rest_ = {};
  head_is_due_ = true;
  over_ = false;
}

std::string_view CopyEncoder::NextPiece() {
  char* out = piece_.get();
  const char* const end = out + kPieceBytes;
  if (head_is_due_) {
    out = std::copy(kHead.begin(), kHead.end(), out);
    head_is_due_ = false;
  }
  while (!over_) {
    if (!rest_.empty()) out = PutRest(out, end);
    if (end - out < static_cast<std::ptrdiff_t>(kRoom)) break;
    if (cell_ == forms_.size()) {
      out = StartRow(out);
    } else if (cell_ == 0 && !keys_.empty()) {
      out = PutCell(forms_[cell_++], ValueView::Int64(keys_[row_ - 1]), out);
    } else {
      out = PutCell(forms_[cell_++], values_[value_++], out);
    }
  }
  return {piece_.get(), static_cast<std::size_t>(out - piece_.get())};
}

// Or ends the page.
char* CopyEncoder::StartRow(char* out) {
  over_ = row_ == end_;
  if (over_) return Put(out, std::int16_t{-1});
  ++row_;
  cell_ = 0;
  return Put(out, static_cast<std::int16_t>(forms_.size()));
}

char* CopyEncoder::PutCell(CopyForm form, const ValueView& value, char* out) {
  if (value.is_null()) return Put(out, std::int32_t{-1});
  switch (form) {
    case CopyForm::kBool:
      return PutNumber(static_cast<std::int8_t>(value.integer() != 0), out);
    case CopyForm::kInt2:
      return PutNumber(static_cast<std::int16_t>(value.integer()), out);
    case CopyForm::kInt4:
      return PutNumber(static_cast<std::int32_t>(value.integer()), out);
    case CopyForm::kInt8:
      return PutNumber(value.integer(), out);
    case CopyForm::kDouble:
      return PutNumber(std::bit_cast<std::int64_t>(RealOf(value)), out);
    case CopyForm::kTimestamp:
      return PutNumber(value.integer() - kEpochMicroseconds, out);
    case CopyForm::kDate:
      return PutNumber(static_cast<std::int32_t>(value.integer() - kEpochDays),
                       out);
    case CopyForm::kNumeric: {
      char* const end = PutNumeric(value.bytes(), out + 4);
      Put(out, static_cast<std::int32_t>(end - out - 4));
      return end;
    }
    case CopyForm::kBytes:
      rest_ = value.bytes();
      return Put(out, static_cast<std::int32_t>(rest_.size()));
    case CopyForm::kJsonb:
      rest_ = value.bytes();
      out = Put(out, static_cast<std::int32_t>(rest_.size() + 1));
      *out = 1;  // the version of the form
      return out + 1;
  }
  return out;
}

char* CopyEncoder::PutRest(char* out, const char* end) {
  const std::size_t size =
      std::min(rest_.size(), static_cast<std::size_t>(end - out));
  std::memcpy(out, rest_.data(), size);
  rest_.remove_prefix(size);
  return out + size;
}

}  // namespace shard::postgres
