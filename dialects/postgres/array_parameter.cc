#include "shard/dialects/postgres/array_parameter.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include "absl/status/status.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/wire.h"
#include "shard/sql/type_adapter.h"

namespace shard::postgres {
namespace {

using sql::ValueType;
using sql::ValueView;

constexpr std::size_t kHeadBytes = 20;
constexpr std::size_t kMostKeptBytes = 4 << 20;

bool IsInteger(ValueType type) {
  return type == ValueType::kInt32 || type == ValueType::kInt64;
}

bool IsWrittenAsText(ValueType type) {
  return type == ValueType::kText || type == ValueType::kJson ||
         type == ValueType::kDecimal;
}

bool Fits(ValueType value, ValueType column) {
  if (value == column) return true;
  if (IsInteger(value)) {
    return IsInteger(column) || column == ValueType::kDouble;
  }
  return IsWrittenAsText(value) && IsWrittenAsText(column);
}

char* PutBytes(char* out, std::string_view bytes) {
  out = Put(out, static_cast<std::int32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

template <class T>
char* PutNumber(char* out, T value) {
  out = Put(out, static_cast<std::int32_t>(sizeof(value)));
  return Put(out, value);
}

char* PutElement(char* out, const ValueView& value, ValueType column) {
  switch (column) {
    case ValueType::kBool:
      out = Put(out, std::int32_t{1});
      *out = value.integer() != 0 ? 1 : 0;
      return out + 1;
    case ValueType::kInt32:
      return PutNumber(out, static_cast<std::int32_t>(value.integer()));
    case ValueType::kInt64:
      return PutNumber<std::int64_t>(out, value.integer());
    case ValueType::kDouble: {
      const double real = value.type() == ValueType::kDouble
                              ? value.real()
                              : static_cast<double>(value.integer());
      return PutNumber(out, std::bit_cast<std::int64_t>(real));
    }
    case ValueType::kTimestamp:
      return PutNumber<std::int64_t>(out, value.integer() - kEpochMicroseconds);
    case ValueType::kDate:
      return PutNumber(out,
                       static_cast<std::int32_t>(value.integer() - kEpochDays));
    default:
      return PutBytes(out, value.bytes());
  }
}

// What the elements take at most.
std::size_t MostBytes(ValueType column, absl::Span<const ValueView> cells,
                      std::size_t stride) {
  const std::size_t rows = (cells.size() + stride - 1) / stride;
  std::size_t bytes = rows * 12;
  switch (column) {
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kTimestamp:
    case ValueType::kDate:
      return bytes;
    default:
      for (std::size_t i = 0; i < cells.size(); i += stride) {
        if (!cells[i].is_null()) bytes += cells[i].bytes().size();
      }
      return bytes;
  }
}

}  // namespace

const ArrayElement& ElementFor(ValueType column_type) {
  static constexpr ArrayElement kBool{kBoolOid, 1000, "bool[]", false};
  static constexpr ArrayElement kInt32{kInt4Oid, 1007, "int4[]", false};
  static constexpr ArrayElement kInt64{kInt8Oid, 1016, "int8[]", false};
  static constexpr ArrayElement kDouble{kFloat8Oid, 1022, "float8[]", false};
  static constexpr ArrayElement kText{kTextOid, 1009, "text[]", true};
  static constexpr ArrayElement kBytes{kByteaOid, 1001, "bytea[]", false};
  static constexpr ArrayElement kTimestamp{kTimestamptzOid, 1185,
                                           "timestamptz[]", false};
  static constexpr ArrayElement kDate{kDateOid, 1182, "date[]", false};
  static constexpr ArrayElement kUuid{kUuidOid, 2951, "uuid[]", false};
  switch (column_type) {
    case ValueType::kBool:
      return kBool;
    case ValueType::kInt32:
      return kInt32;
    case ValueType::kInt64:
      return kInt64;
    case ValueType::kDouble:
      return kDouble;
    case ValueType::kBytes:
      return kBytes;
    case ValueType::kTimestamp:
      return kTimestamp;
    case ValueType::kDate:
      return kDate;
    case ValueType::kUuid:
      return kUuid;
    case ValueType::kNull:
    case ValueType::kText:
    case ValueType::kDecimal:
    case ValueType::kJson:
      return kText;
  }
  return kText;
}

absl::Status CheckElement(const ValueView& value, ValueType column_type) {
  if (value.is_null()) return absl::OkStatus();
  if (!Fits(value.type(), column_type)) {
    return sql::WrongType(column_type, value.type());
  }
  if (column_type == ValueType::kInt32 &&
      (value.integer() < std::numeric_limits<std::int32_t>::min() ||
       value.integer() > std::numeric_limits<std::int32_t>::max())) {
    return ValueError(
        absl::InvalidArgumentError("integer does not fit in 32 bits"));
  }
  return CheckValue(value);
}

char* ArrayParameter::Resize(std::size_t most) {
  if (most > capacity_) {
    data_ = std::make_unique_for_overwrite<char[]>(most);
    capacity_ = most;
  }
  return data_.get();
}

void ArrayParameter::Trim() {
  if (capacity_ <= kMostKeptBytes) return;
  data_ = nullptr;
  capacity_ = 0;
  size_ = 0;
}

void ArrayParameter::Encode(ValueType column_type,
                            absl::Span<const ValueView> cells,
                            std::size_t stride) {
  const std::size_t rows = (cells.size() + stride - 1) / stride;
  char* const begin =
      Resize(kHeadBytes + MostBytes(column_type, cells, stride));
  char* out = begin + kHeadBytes;
  bool has_null = false;
  for (std::size_t i = 0; i < cells.size(); i += stride) {
    if (cells[i].is_null()) {
      has_null = true;
      out = Put(out, std::int32_t{-1});
    } else {
      out = PutElement(out, cells[i], column_type);
    }
  }
  size_ = out - begin;
  char* head = Put(begin, std::int32_t{1});  // dimensions
  head = Put(head, std::int32_t{has_null ? 1 : 0});
  head = Put(head, ElementFor(column_type).element);
  head = Put(head, static_cast<std::int32_t>(rows));
  Put(head, std::int32_t{1});  // the first index
}

}  // namespace shard::postgres
