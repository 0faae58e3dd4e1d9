#include "shard/sql/types.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr std::int32_t kFirstDay = -719'162;  // 0001-01-01
constexpr std::int32_t kLastDay = 2'932'896;  // 9999-12-31

absl::Status NotA(const char* what, const char* form) {
  return absl::InvalidArgumentError(
      absl::StrCat("text is not a ", what, "; expected ", form));
}

// Reads exactly `digits` decimal digits at the front of `text` and drops them.
bool TakeNumber(std::string_view& text, std::size_t digits, int* value) {
  if (text.size() < digits) return false;
  *value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    *value = *value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeDate(std::string_view& text, Date* date) {
  int year, month, day;
  if (!TakeNumber(text, 4, &year) || !TakeChar(text, '-') ||
      !TakeNumber(text, 2, &month) || !TakeChar(text, '-') ||
      !TakeNumber(text, 2, &day)) {
    return false;
  }
  absl::StatusOr<Date> checked = Date::FromCivil(year, month, day);
  if (!checked.ok()) return false;
  *date = *checked;
  return true;
}

// `value` in `digits` digits, with zeros in front. By hand: a printf is ten
// times slower, and timestamps are bound by the thousand.
void WriteDigits(int value, int digits, char* out) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// The part behind the seconds: ".f" to ".ffffff"; more digits are cut off.
bool TakeFraction(std::string_view& text, std::int64_t* micros) {
  *micros = 0;
  if (!TakeChar(text, '.')) return true;
  std::int64_t unit = kMicrosPerSecond / 10;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    *micros += (text.front() - '0') * unit;
    unit /= 10;
    ++digits;
    text.remove_prefix(1);
  }
  return digits > 0;
}

// "Z", "+HH", "+HHMM", "+HH:MM" or nothing.
bool TakeZone(std::string_view& text, std::int64_t* offset_micros) {
  *offset_micros = 0;
  if (text.empty() || TakeChar(text, 'Z')) return true;
  const bool negative = text.front() == '-';
  if (!TakeChar(text, '+') && !TakeChar(text, '-')) return false;
  int hours = 0, minutes = 0;
  if (!TakeNumber(text, 2, &hours)) return false;
  const bool colon = TakeChar(text, ':');
  if ((colon || !text.empty()) && !TakeNumber(text, 2, &minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  *offset_micros = (hours * 3600 + minutes * 60) * kMicrosPerSecond;
  if (negative) *offset_micros = -*offset_micros;
  return true;
}

// A decimal's sign, and its digits without leading or trailing zeros.
struct DecimalParts {
  bool negative = false;
  std::string_view integer;
  std::string_view fraction;
  bool valid = false;
  bool zero() const { return integer.empty() && fraction.empty(); }
};

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

DecimalParts Split(std::string_view text) {
  DecimalParts parts;
  if (TakeChar(text, '-')) {
    parts.negative = true;
  } else {
    TakeChar(text, '+');
  }
  const std::size_t point = text.find('.');
  parts.integer = text.substr(0, point);
  if (point != std::string_view::npos) parts.fraction = text.substr(point + 1);
  parts.valid = AllDigits(parts.integer) && AllDigits(parts.fraction) &&
                !(parts.integer.empty() && parts.fraction.empty());
  while (!parts.integer.empty() && parts.integer.front() == '0') {
    parts.integer.remove_prefix(1);
  }
  while (!parts.fraction.empty() && parts.fraction.back() == '0') {
    parts.fraction.remove_suffix(1);
  }
  if (parts.zero()) parts.negative = false;
  return parts;
}

// Where a text that is no decimal stands among decimals, which are 0: what
// PostgreSQL calls infinities and NaN as it sorts them, anything else below.
int RankOutsideDecimals(std::string_view text) {
  if (text == "-Infinity") return -1;
  if (text == "Infinity") return 1;
  if (text == "NaN") return 2;
  return -2;
}

int Sign(int value) { return (value > 0) - (value < 0); }

// Moves the point of `parts` by `exponent` places: "1.5" by 2 is "150".
std::string Shift(const DecimalParts& parts, int exponent) {
  std::string digits =
      absl::StrCat(std::string(parts.integer), std::string(parts.fraction));
  int point = static_cast<int>(parts.integer.size()) + exponent;
  if (point <= 0) {
    digits.insert(0, static_cast<std::size_t>(-point) + 1, '0');
    point = 1;
  }
  if (static_cast<std::size_t>(point) > digits.size()) {
    digits.append(static_cast<std::size_t>(point) - digits.size(), '0');
  }
  const auto whole = static_cast<std::size_t>(point);
  std::size_t zeros = 0;
  while (zeros + 1 < whole && digits[zeros] == '0') ++zeros;
  std::string text = parts.negative ? "-" : "";
  text.append(digits, zeros, whole - zeros);
  if (whole < digits.size()) text.append(".").append(digits, whole);
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Timestamp Timestamp::Now() {
  return {std::chrono::duration_cast<std::chrono::microseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

absl::StatusOr<Timestamp> Timestamp::Parse(std::string_view text) {
  constexpr char kForm[] = "YYYY-MM-DD HH:MM:SS[.ffffff] with an optional zone";
  Date date;
  int hour, minute, second = 0;
  std::int64_t fraction = 0, offset = 0;
  if (!TakeDate(text, &date) ||
      (!TakeChar(text, ' ') && !TakeChar(text, 'T')) ||
      !TakeNumber(text, 2, &hour) || !TakeChar(text, ':') ||
      !TakeNumber(text, 2, &minute)) {
    return NotA("timestamp", kForm);
  }
  // SQLite's own functions may leave out the seconds.
  if (TakeChar(text, ':') &&
      (!TakeNumber(text, 2, &second) || !TakeFraction(text, &fraction))) {
    return NotA("timestamp", kForm);
  }
  if (!TakeZone(text, &offset) || !text.empty() || hour > 23 || minute > 59 ||
      second > 59) {
    return NotA("timestamp", kForm);
  }
  return Timestamp{date.days * kMicrosPerDay +
                   (hour * 3600 + minute * 60 + second) * kMicrosPerSecond +
                   fraction - offset};
}

absl::StatusOr<std::string> Timestamp::ToText() const {
  char text[kTextBytes];
  if (!WriteText(text)) {
    return absl::OutOfRangeError("timestamp is outside the years 0001 to 9999");
  }
  return std::string(text, kTextBytes);
}

bool Timestamp::WriteText(char* out) const {
  std::int64_t days = microseconds / kMicrosPerDay;
  std::int64_t rest = microseconds % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  if (days > INT32_MAX || days < INT32_MIN ||
      !Date{static_cast<std::int32_t>(days)}.WriteText(out)) {
    return false;
  }
  const int seconds = static_cast<int>(rest / kMicrosPerSecond);
  out[10] = ' ';
  WriteDigits(seconds / 3600, 2, out + 11);
  out[13] = ':';
  WriteDigits(seconds / 60 % 60, 2, out + 14);
  out[16] = ':';
  WriteDigits(seconds % 60, 2, out + 17);
  out[19] = '.';
  WriteDigits(static_cast<int>(rest % kMicrosPerSecond), 6, out + 20);
  return true;
}

absl::StatusOr<Date> Date::FromCivil(int year, int month, int day) {
  const absl::CivilDay civil(year, month, day);
  if (civil.year() != year || civil.month() != month || civil.day() != day) {
    return absl::InvalidArgumentError("there is no such day in the calendar");
  }
  const absl::civil_diff_t days = civil - absl::CivilDay(1970, 1, 1);
  if (days < INT32_MIN || days > INT32_MAX) {
    return absl::OutOfRangeError("the year is too far from 1970");
  }
  return Date{static_cast<std::int32_t>(days)};
}

absl::StatusOr<Date> Date::Parse(std::string_view text) {
  Date date;
  if (!TakeDate(text, &date) || !text.empty())
    return NotA("date", "YYYY-MM-DD");
  return date;
}

absl::StatusOr<std::string> Date::ToText() const {
  char text[kTextBytes];
  if (!WriteText(text)) {
    return absl::OutOfRangeError("date is outside the years 0001 to 9999");
  }
  return std::string(text, kTextBytes);
}

bool Date::WriteText(char* out) const {
  if (days < kFirstDay || days > kLastDay) return false;
  const std::chrono::year_month_day civil{
      std::chrono::sys_days(std::chrono::days(days))};
  WriteDigits(static_cast<int>(civil.year()), 4, out);
  out[4] = '-';
  WriteDigits(static_cast<int>(static_cast<unsigned>(civil.month())), 2,
              out + 5);
  out[7] = '-';
  WriteDigits(static_cast<int>(static_cast<unsigned>(civil.day())), 2, out + 8);
  return true;
}

absl::StatusOr<Decimal> Decimal::Parse(std::string_view text) {
  const std::size_t e = text.find_first_of("eE");
  const DecimalParts parts = Split(text.substr(0, e));
  int exponent = 0;
  bool valid = parts.valid;
  if (valid && e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    // from_chars takes a '-' by itself, but no '+'.
    if (TakeChar(digits, '+') && digits.starts_with('-')) digits = {};
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    valid = error == std::errc() && end == digits.data() + digits.size() &&
            exponent >= -1000 && exponent <= 1000;
  }
  if (!valid) return NotA("decimal", "digits with an optional point");
  Decimal result;
  if (e != std::string_view::npos) {
    result.text_ = Shift(parts, exponent);
  } else {
    TakeChar(text, '+');
    result.text_ = std::string(text);
  }
  return result;
}

std::string Decimal::Canonical() const {
  const DecimalParts parts = Split(text_);
  std::string out = parts.negative ? "-" : "";
  out.append(parts.integer.empty() ? "0" : parts.integer);
  if (!parts.fraction.empty()) out.append(".").append(parts.fraction);
  return out;
}

int Decimal::CompareText(std::string_view a, std::string_view b) {
  const DecimalParts x = Split(a), y = Split(b);
  if (!x.valid || !y.valid) {
    const int rank_a = x.valid ? 0 : RankOutsideDecimals(a);
    const int rank_b = y.valid ? 0 : RankOutsideDecimals(b);
    return rank_a != rank_b ? Sign(rank_a - rank_b) : Sign(a.compare(b));
  }
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  int order = 0;
  if (x.integer.size() != y.integer.size()) {
    order = x.integer.size() < y.integer.size() ? -1 : 1;
  } else {
    order = Sign(x.integer.compare(y.integer));
    if (order == 0) order = Sign(x.fraction.compare(y.fraction));
  }
  return x.negative ? -order : order;
}

Uuid Uuid::Random() {
  std::random_device source;
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.bytes.size(); i += 4) {
    const std::uint32_t word = source();
    for (std::size_t j = 0; j < 4; ++j) {
      uuid.bytes[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
  }
  uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x40;  // version 4, RFC 9562
  uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;
  return uuid;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  constexpr char kForm[] = "32 hexadecimal digits with optional hyphens";
  Uuid uuid;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-' && text.size() == 36 &&
        (i == 8 || i == 13 || i == 18 || i == 23)) {
      continue;
    }
    const int digit = HexDigit(text[i]);
    if (digit < 0 || nibble == 32) return NotA("UUID", kForm);
    uuid.bytes[nibble / 2] = static_cast<std::uint8_t>(
        nibble % 2 == 0 ? digit << 4 : uuid.bytes[nibble / 2] | digit);
    ++nibble;
  }
  if (nibble != 32) return NotA("UUID", kForm);
  return uuid;
}

std::string Uuid::ToText() const {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    constexpr char kDigits[] = "0123456789abcdef";
    text.push_back(kDigits[bytes[i] >> 4]);
    text.push_back(kDigits[bytes[i] & 0x0f]);
  }
  return text;
}

}  // namespace shard
