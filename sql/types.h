// Value types that C++ has no standard type for. All are plain values:
// copyable, comparable, safe to share between threads when not written to.
#ifndef SHARD_SQL_TYPES_H_
#define SHARD_SQL_TYPES_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shard {

// Binary data; unlike std::string it is never taken for text.
struct Bytes {
  std::string data;
  auto operator<=>(const Bytes&) const = default;
};

// A point in time, in microseconds since 1970-01-01 00:00:00 UTC.
struct Timestamp {
  std::int64_t microseconds = 0;
  auto operator<=>(const Timestamp&) const = default;

  static Timestamp Now();
  // Reads "YYYY-MM-DD HH:MM:SS[.ffffff]" (a 'T' between is fine, and a zone
  // "Z" or "+HH[:MM]" behind); without a zone it is UTC. kInvalidArgument else.
  static absl::StatusOr<Timestamp> Parse(std::string_view text);
  // "YYYY-MM-DD HH:MM:SS.ffffff", UTC. Sorts as the time does for the years
  // 0001 to 9999; kOutOfRange outside, since no text form would sort.
  absl::StatusOr<std::string> ToText() const;
  // The same into the kTextBytes bytes at `out`; false outside those years.
  static constexpr std::size_t kTextBytes = 26;
  bool WriteText(char* out) const;
};

// A day of the proleptic Gregorian calendar, in days since 1970-01-01.
struct Date {
  std::int32_t days = 0;
  auto operator<=>(const Date&) const = default;

  // kInvalidArgument for a day that there is not (2023-02-29), kOutOfRange for
  // a year millions away.
  static absl::StatusOr<Date> FromCivil(int year, int month, int day);
  // Reads "YYYY-MM-DD"; kInvalidArgument for anything else.
  static absl::StatusOr<Date> Parse(std::string_view text);
  // "YYYY-MM-DD"; kOutOfRange outside the years 0001 to 9999.
  absl::StatusOr<std::string> ToText() const;
  // The same into the kTextBytes bytes at `out`; false outside those years.
  static constexpr std::size_t kTextBytes = 10;
  bool WriteText(char* out) const;
};

// An exact decimal number. Keeps the text it was made from ("1.00" stays
// "1.00"); compares as a number, so 1.0 == 1.00.
class Decimal {
 public:
  Decimal() : text_("0") {}
  // Reads an optional sign, digits with an optional point, and an optional
  // exponent (|exponent| <= 1000), which is expanded. kInvalidArgument else:
  // NaN and infinity are not decimals.
  static absl::StatusOr<Decimal> Parse(std::string_view text);

  const std::string& text() const { return text_; }
  // The shortest text of the same number: "1.00" and "+1" give "1", "-0" gives
  // "0", ".5" gives "0.5".
  std::string Canonical() const;

  friend bool operator==(const Decimal& a, const Decimal& b) {
    return CompareText(a.text_, b.text_) == 0;
  }
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
    return CompareText(a.text_, b.text_) <=> 0;
  }
  // Negative, zero or positive, as memcmp. Both must be texts that Parse takes
  // and that have no exponent. Of other texts "-Infinity", "Infinity" and "NaN"
  // stand where PostgreSQL sorts them, the rest before all, by bytes.
  static int CompareText(std::string_view a, std::string_view b);

 private:
  std::string text_;
};

// A 128-bit identifier, in network byte order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;

  // A random one (version 4) from the system's random source.
  static Uuid Random();
  // Reads 32 hexadecimal digits, with or without the usual hyphens.
  static absl::StatusOr<Uuid> Parse(std::string_view text);
  std::string ToText() const;  // lower case, with hyphens
};

// JSON, kept as the text it came as. Not checked here: the database does.
struct Json {
  std::string text;
  bool operator==(const Json&) const = default;
};

}  // namespace shard

#endif  // SHARD_SQL_TYPES_H_
