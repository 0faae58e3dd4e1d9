#include "shard/dialects/postgres/parameters.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "absl/status/status.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/utf8.h"
#include "shard/dialects/postgres/wire.h"

namespace shard::postgres {
namespace {

absl::Status CheckText(std::string_view text) {
  switch (FindTextFault(text)) {
    case TextFault::kNone:
      break;
    case TextFault::kNulByte:
      return ValueError(absl::InvalidArgumentError(
          "PostgreSQL cannot hold text with a NUL byte"));
    case TextFault::kNotUtf8:
      return ValueError(absl::InvalidArgumentError("text is not valid UTF-8"));
  }
  // Its own limit is 1 GB less what it keeps with a value.
  if (text.size() > std::size_t{1'000'000'000}) {
    return ValueError(
        absl::InvalidArgumentError("PostgreSQL cannot hold more than 1 GB"));
  }
  return absl::OkStatus();
}

absl::Status CheckTimestamp(std::int64_t microseconds) {
  if (microseconds >= kMinTimestamp + kEpochMicroseconds &&
      microseconds - kEpochMicroseconds < kEndTimestamp) {
    return absl::OkStatus();
  }
  return ValueError(absl::OutOfRangeError(
      "PostgreSQL's timestamps end at 4713 BC and 294276 AD"));
}

absl::Status CheckDate(std::int64_t days) {
  if (days >= kMinDate + kEpochDays && days < kEndDate + kEpochDays) {
    return absl::OkStatus();
  }
  return ValueError(absl::OutOfRangeError(
      "PostgreSQL's dates end at 4713 BC and 5874897 AD"));
}

}  // namespace

absl::Status CheckValue(const sql::ValueView& value) {
  switch (value.type()) {
    case sql::ValueType::kText:
    case sql::ValueType::kJson:
    case sql::ValueType::kDecimal:
      return CheckText(value.bytes());
    case sql::ValueType::kBytes:
      if (value.bytes().size() > std::size_t{1'000'000'000}) {
        return ValueError(absl::InvalidArgumentError(
            "PostgreSQL cannot hold more than 1 GB"));
      }
      return absl::OkStatus();
    case sql::ValueType::kUuid:
      if (value.bytes().size() != 16) {
        return ValueError(absl::InvalidArgumentError("a UUID has 16 bytes"));
      }
      return absl::OkStatus();
    case sql::ValueType::kTimestamp:
      return CheckTimestamp(value.integer());
    case sql::ValueType::kDate:
      return CheckDate(value.integer());
    default:
      return absl::OkStatus();
  }
}

TypeOid ParameterType(const sql::ValueView& value, sql::ValueType declared) {
  switch (value.is_null() ? declared : value.type()) {
    case sql::ValueType::kBool:
      return kBoolOid;
    case sql::ValueType::kInt32:
      // One prepared statement for both widths.
      return declared == sql::ValueType::kInt64 ? kInt8Oid : kInt4Oid;
    case sql::ValueType::kInt64:
      return kInt8Oid;
    case sql::ValueType::kDouble:
      return kFloat8Oid;
    case sql::ValueType::kBytes:
      return kByteaOid;
    case sql::ValueType::kTimestamp:
      return kTimestamptzOid;
    case sql::ValueType::kDate:
      return kDateOid;
    case sql::ValueType::kDecimal:
      return kNumericOid;
    case sql::ValueType::kUuid:
      return kUuidOid;
    case sql::ValueType::kNull:
    case sql::ValueType::kText:
    case sql::ValueType::kJson:
      return kUnknownOid;
  }
  return kUnknownOid;
}

void ParameterBuffer::Clear() {
  values_.clear();
  lengths_.clear();
  formats_.clear();
  bytes_ = 0;
  arena_.Clear();
}

void ParameterBuffer::Append(const char* data, std::size_t size, int format) {
  values_.push_back(data);
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(format);
  bytes_ += size + 16;
}

template <class T>
void ParameterBuffer::AppendNumber(T value) {
  char* const out = arena_.Allocate(sizeof(value));
  Put(out, value);
  Append(out, sizeof(value), /*format=*/1);
}

void ParameterBuffer::Add(const sql::ValueView& value, TypeOid type) {
  switch (value.type()) {
    case sql::ValueType::kNull:
      return Append(nullptr, 0, /*format=*/0);
    case sql::ValueType::kBool: {
      char* const out = arena_.Allocate(1);
      *out = value.integer() != 0 ? 1 : 0;
      return Append(out, 1, /*format=*/1);
    }
    case sql::ValueType::kInt32:
    case sql::ValueType::kInt64:
      if (type == kInt8Oid) return AppendNumber<std::int64_t>(value.integer());
      if (type == kFloat8Oid) {
        return AppendNumber(
            std::bit_cast<std::int64_t>(static_cast<double>(value.integer())));
      }
      return AppendNumber(static_cast<std::int32_t>(value.integer()));
    case sql::ValueType::kDouble:
      return AppendNumber(std::bit_cast<std::int64_t>(value.real()));
    case sql::ValueType::kTimestamp:
      return AppendNumber<std::int64_t>(value.integer() - kEpochMicroseconds);
    case sql::ValueType::kDate:
      return AppendNumber(
          static_cast<std::int32_t>(value.integer() - kEpochDays));
    case sql::ValueType::kBytes:
    case sql::ValueType::kUuid:
      // A null pointer would mean NULL.
      return Append(value.bytes().empty() ? "" : value.bytes().data(),
                    value.bytes().size(), /*format=*/1);
    case sql::ValueType::kText:
    case sql::ValueType::kDecimal:
    case sql::ValueType::kJson: {
      const std::string_view text = value.bytes();
      char* const out = arena_.Allocate(text.size() + 1);
      if (!text.empty()) std::memcpy(out, text.data(), text.size());
      out[text.size()] = '\0';  // how libpq finds the end of text
      return Append(out, text.size(), /*format=*/0);
    }
  }
}

}  // namespace shard::postgres
