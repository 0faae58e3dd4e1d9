#include "shard/session/text_value.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;

absl::Status Expected(const char* form) {
  return absl::InvalidArgumentError(
      absl::StrCat("the text is not of the column's type; expected ", form));
}

absl::Status TooLarge(ValueType type) {
  return absl::OutOfRangeError(absl::StrCat("the number does not fit into ",
                                            ToAbsl(sql::ValueTypeName(type))));
}

template <class Number>
absl::Status ParseNumber(ValueType type, std::string_view text,
                         const char* form, Number* number) {
  // from_chars takes a '-' by itself, but no '+'.
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, *number);
  if (error == std::errc::result_out_of_range) return TooLarge(type);
  return error == std::errc() && behind == end ? absl::OkStatus()
                                               : Expected(form);
}

absl::Status ParseBool(std::string_view text, bool* value) {
  for (const char* word : {"t", "true", "y", "yes", "on", "1"}) {
    if (absl::EqualsIgnoreCase(ToAbsl(text), word)) {
      *value = true;
      return absl::OkStatus();
    }
  }
  for (const char* word : {"f", "false", "n", "no", "off", "0"}) {
    if (absl::EqualsIgnoreCase(ToAbsl(text), word)) {
      *value = false;
      return absl::OkStatus();
    }
  }
  return Expected("true or false");
}

absl::Status ParseBytes(std::string_view text, sql::ByteArena& arena,
                        ValueView* value) {
  constexpr char kForm[] = "\\x and an even number of hexadecimal digits";
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return Expected(kForm);
  text.remove_prefix(2);
  const std::size_t size = text.size() / 2;
  char* const out = arena.Allocate(size);
  for (std::size_t i = 0; i < size; ++i) {
    const char* const pair = text.data() + 2 * i;
    // Of one digit alone from_chars would make a byte too.
    std::uint8_t byte = 0;
    const auto [behind, error] = std::from_chars(pair, pair + 2, byte, 16);
    if (error != std::errc() || behind != pair + 2) return Expected(kForm);
    out[i] = static_cast<char>(byte);
  }
  *value = ValueView::Bytes(ValueType::kBytes, {out, size});
  return absl::OkStatus();
}

std::string_view WithoutBlanks(std::string_view text) {
  if (text.empty() || (text.front() > ' ' && text.back() > ' ')) return text;
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
}

absl::Status ParseInteger(ValueType type, std::string_view text,
                          ValueView* value) {
  constexpr char kForm[] = "an integer";
  if (type == ValueType::kInt32) {
    std::int32_t number = 0;
    SHARD_RETURN_IF_ERROR(ParseNumber(type, text, kForm, &number));
    *value = ValueView::Int32(number);
  } else {
    std::int64_t number = 0;
    SHARD_RETURN_IF_ERROR(ParseNumber(type, text, kForm, &number));
    *value = ValueView::Int64(number);
  }
  return absl::OkStatus();
}

// What is kept as bytes, and has a form to be checked.
absl::Status ParseChecked(ValueType type, std::string_view text,
                          sql::ByteArena& arena, ValueView* value) {
  if (type == ValueType::kUuid) {
    SHARD_ASSIGN_OR_RETURN(const Uuid uuid, Uuid::Parse(text));
    *value = ValueView::Bytes(type, arena.Copy(ValueView::Of(uuid).bytes()));
  } else {
    SHARD_ASSIGN_OR_RETURN(const Decimal decimal, Decimal::Parse(text));
    *value = ValueView::Bytes(type, arena.Copy(decimal.text()));
  }
  return absl::OkStatus();
}

absl::Status ParseTime(ValueType type, std::string_view text,
                       ValueView* value) {
  if (type == ValueType::kDate) {
    SHARD_ASSIGN_OR_RETURN(const Date date, Date::Parse(text));
    *value = ValueView::Of(date);
  } else {
    SHARD_ASSIGN_OR_RETURN(const Timestamp time, Timestamp::Parse(text));
    *value = ValueView::Of(time);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseValue(ValueType type, std::string_view text,
                        sql::ByteArena& arena, ValueView* value) {
  if (type == ValueType::kText || type == ValueType::kJson) {
    *value = ValueView::Bytes(type, arena.Copy(text));
    return absl::OkStatus();
  }
  text = WithoutBlanks(text);
  switch (type) {
    case ValueType::kBool: {
      bool truth = false;
      SHARD_RETURN_IF_ERROR(ParseBool(text, &truth));
      *value = ValueView::Bool(truth);
      return absl::OkStatus();
    }
    case ValueType::kInt32:
    case ValueType::kInt64:
      return ParseInteger(type, text, value);
    case ValueType::kDouble: {
      double number = 0;
      SHARD_RETURN_IF_ERROR(ParseNumber(type, text, "a number", &number));
      *value = ValueView::Double(number);
      return absl::OkStatus();
    }
    case ValueType::kBytes:
      return ParseBytes(text, arena, value);
    case ValueType::kTimestamp:
    case ValueType::kDate:
      return ParseTime(type, text, value);
    case ValueType::kDecimal:
    case ValueType::kUuid:
      return ParseChecked(type, text, arena, value);
    case ValueType::kNull:
    case ValueType::kText:
    case ValueType::kJson:
      break;
  }
  return absl::InvalidArgumentError(
      "the column has no type that text can be read as");
}

}  // namespace shard
