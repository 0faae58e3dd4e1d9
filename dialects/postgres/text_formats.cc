#include "shard/dialects/postgres/text_formats.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shard/dialects/postgres/pg_types.h"
#include "shard/dialects/postgres/wire.h"

namespace shard::postgres {
namespace {

// Takes digits off the front of `text`.
std::optional<std::int64_t> TakeNumber(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(end - text.data());
  return number;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeSuffix(std::string_view& text, std::string_view suffix) {
  if (text.size() < suffix.size() ||
      text.substr(text.size() - suffix.size()) != suffix) {
    return false;
  }
  text.remove_suffix(suffix.size());
  return true;
}

// Days since 1970-01-01 in the proleptic Gregorian calendar; `year` counts with
// a year 0. Years begin in March here, so that the leap day comes last.
std::int64_t DaysOf(std::int64_t year, std::int64_t month, std::int64_t day) {
  constexpr std::int64_t kDaysOf400Years = 146097;
  constexpr std::int64_t kFromMarchOfYear0 = 719468;
  if (month <= 2) --year;
  const std::int64_t cycle = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_cycle = year - cycle * 400;
  const std::int64_t day_of_year =
      (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 -
                                    year_of_cycle / 100 + day_of_year;
  return cycle * kDaysOf400Years + day_of_cycle - kFromMarchOfYear0;
}

// "2024-02-29"; the era stands at the end of the whole text.
std::optional<std::int64_t> TakeDate(std::string_view& text,
                                     bool before_christ) {
  const auto year = TakeNumber(text);
  if (!year.has_value() || !TakeChar(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text);
  if (!month.has_value() || !TakeChar(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text);
  if (!day.has_value()) return std::nullopt;
  // 1 BC is the year 0.
  return DaysOf(before_christ ? 1 - *year : *year, *month, *day);
}

// "12:00:00.5", in microseconds.
std::optional<std::int64_t> TakeTime(std::string_view& text) {
  const auto hour = TakeNumber(text);
  if (!hour.has_value() || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text);
  if (!minute.has_value() || !TakeChar(text, ':')) return std::nullopt;
  const auto second = TakeNumber(text);
  if (!second.has_value()) return std::nullopt;
  std::int64_t fraction = 0;
  if (TakeChar(text, '.')) {
    std::int64_t unit = 100'000;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9';
         text.remove_prefix(1)) {
      fraction += (text.front() - '0') * unit;
      unit /= 10;
    }
  }
  return ((*hour * 60 + *minute) * 60 + *second) * 1'000'000 + fraction;
}

// "+05:30" or nothing, in seconds east of UTC.
std::optional<std::int64_t> TakeZone(std::string_view& text) {
  if (text.empty()) return 0;
  const std::int64_t sign = text.front() == '-' ? -1 : 1;
  if (!TakeChar(text, '+') && !TakeChar(text, '-')) return std::nullopt;
  std::int64_t seconds = 0;
  for (std::int64_t unit = 3600; unit > 0; unit /= 60) {
    const auto part = TakeNumber(text);
    if (!part.has_value()) return std::nullopt;
    seconds += *part * unit;
    if (!TakeChar(text, ':')) break;
  }
  return sign * seconds;
}

// The groups of four decimal digits that a number has on the wire.
struct Numeric {
  std::int64_t groups;
  std::int64_t weight;  // of the first group: 10000 to this power
  std::uint16_t sign;
  std::int64_t scale;  // digits behind the point
  const char* digits;

  int Group(std::int64_t index) const {
    if (index < 0 || index >= groups) return 0;
    return Take<std::int16_t>(digits + 2 * index);
  }
};

char* PutGroup(char* out, int group) {
  for (int i = 3; i >= 0; --i, group /= 10) {
    out[i] = static_cast<char>('0' + group % 10);
  }
  return out + 4;
}

char* PutWhole(char* out, const Numeric& number) {
  if (number.weight < 0) {
    *out = '0';
    return out + 1;
  }
  char* const begin = out;
  for (std::int64_t i = 0; i <= number.weight; ++i) {
    out = PutGroup(out, number.Group(i));
  }
  char* first = std::find_if(begin, out - 1, [](char c) { return c != '0'; });
  return std::copy(first, out, begin);
}

char* PutFraction(char* out, const Numeric& number) {
  *out++ = '.';
  char* const end = out + number.scale;
  for (std::int64_t i = number.weight + 1; out < end; ++i) {
    out = PutGroup(out, number.Group(i));  // may run over the end a little
  }
  return end;
}

}  // namespace

std::optional<std::int64_t> ParseDate(std::string_view text) {
  const bool before_christ = TakeSuffix(text, " BC");
  const auto days = TakeDate(text, before_christ);
  if (!text.empty()) return std::nullopt;
  return days;
}

std::optional<std::int64_t> ParseTimestamp(std::string_view text) {
  const bool before_christ = TakeSuffix(text, " BC");
  const auto days = TakeDate(text, before_christ);
  if (!days.has_value() || !TakeChar(text, ' ')) return std::nullopt;
  const auto time = TakeTime(text);
  if (!time.has_value()) return std::nullopt;
  const auto zone = TakeZone(text);
  if (!zone.has_value() || !text.empty()) return std::nullopt;
  std::int64_t sum = 0;
  const std::int64_t rest = *time - *zone * 1'000'000;
  if (__builtin_mul_overflow(*days, std::int64_t{86'400'000'000}, &sum) ||
      __builtin_add_overflow(sum, rest, &sum)) {
    return std::nullopt;
  }
  return sum;
}

std::optional<std::string_view> NumericText(std::string_view binary,
                                            sql::ByteArena& arena) {
  constexpr std::size_t kHead = 8;
  constexpr std::uint16_t kNegative = 0x4000;
  if (binary.size() < kHead) return std::nullopt;
  const char* in = binary.data();
  const Numeric number{Take<std::int16_t>(in), Take<std::int16_t>(in + 2),
                       static_cast<std::uint16_t>(Take<std::int16_t>(in + 4)),
                       Take<std::int16_t>(in + 6), in + kHead};
  switch (number.sign) {
    case 0:
    case kNegative:
      break;
    case 0xC000:
      return "NaN";
    case 0xD000:
      return "Infinity";
    case 0xF000:
      return "-Infinity";
    default:
      return std::nullopt;
  }
  if (number.groups < 0 || number.scale < 0 ||
      binary.size() < kHead + 2 * static_cast<std::size_t>(number.groups)) {
    return std::nullopt;
  }
  const std::int64_t whole = std::max<std::int64_t>(number.weight + 1, 1);
  char* const begin = arena.Allocate(4 * whole + number.scale + 8);
  char* out = begin;
  if (number.sign == kNegative) *out++ = '-';
  out = PutWhole(out, number);
  if (number.scale > 0) out = PutFraction(out, number);
  return std::string_view(begin, out - begin);
}

}  // namespace shard::postgres
