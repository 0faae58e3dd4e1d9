#include "shard/router/time_period.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "shard/sql/types.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

constexpr std::string_view kNames[] = {"hour",  "day",     "week",
                                       "month", "quarter", "year"};
constexpr std::int64_t kMicrosecondsAnHour = 3'600'000'000;

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Months since 1970-01. Howard Hinnant's "days from civil", turned round:
// https://howardhinnant.github.io/date_algorithms.html
std::int64_t MonthOfDay(std::int64_t days) {
  days += 719'468;  // since 0000-03-01, where eras of 400 years begin
  const std::int64_t era = FloorDivide(days, 146'097);
  const std::int64_t day = days - era * 146'097;
  const std::int64_t year =
      (day - day / 1460 + day / 36'524 - day / 146'096) / 365;
  const std::int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;  // from March
  return (era * 400 + year) * 12 + month + 2 - 1970 * 12;
}

std::int64_t DayOf(const sql::ValueView& time) {
  return time.type() == sql::ValueType::kDate
             ? time.integer()
             : FloorDivide(time.integer(), 24 * kMicrosecondsAnHour);
}

}  // namespace

std::string_view TimePeriodName(TimePeriod period) {
  return kNames[static_cast<std::size_t>(period)];
}

std::optional<TimePeriod> TimePeriodNamed(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<TimePeriod>(i);
  }
  return std::nullopt;
}

std::int64_t PeriodNumber(TimePeriod period, const sql::ValueView& time) {
  switch (period) {
    case TimePeriod::kHour:
      return time.type() == sql::ValueType::kDate
                 ? time.integer() * 24
                 : FloorDivide(time.integer(), kMicrosecondsAnHour);
    case TimePeriod::kDay:
      return DayOf(time);
    case TimePeriod::kWeek:
      return FloorDivide(DayOf(time) + 3, 7);  // 1970-01-01 was a Thursday
    case TimePeriod::kMonth:
      return MonthOfDay(DayOf(time));
    case TimePeriod::kQuarter:
      return FloorDivide(MonthOfDay(DayOf(time)), 3);
    case TimePeriod::kYear:
      return FloorDivide(MonthOfDay(DayOf(time)), 12);
  }
  return 0;
}

bool BeginsPeriod(TimePeriod period, const sql::ValueView& time) {
  const std::int64_t value = time.integer();
  if (time.type() == sql::ValueType::kDate) {
    const auto before =
        sql::ValueView::Of(Date{static_cast<std::int32_t>(value - 1)});
    return value > std::numeric_limits<std::int32_t>::min() &&
           PeriodNumber(period, before) != PeriodNumber(period, time);
  }
  return value > std::numeric_limits<std::int64_t>::min() &&
         PeriodNumber(period, sql::ValueView::Of(Timestamp{value - 1})) !=
             PeriodNumber(period, time);
}

}  // namespace shard
