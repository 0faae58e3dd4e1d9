// Hours, days, weeks, months, quarters and years as numbers.
#ifndef SHARD_ROUTER_TIME_PERIOD_H_
#define SHARD_ROUTER_TIME_PERIOD_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "shard/sql/value.h"

namespace shard {

// Of the proleptic Gregorian calendar, in UTC. Weeks begin on Monday.
enum class TimePeriod : std::uint8_t {
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear
};

// "hour", "day", ...
std::string_view TimePeriodName(TimePeriod period);
std::optional<TimePeriod> TimePeriodNamed(std::string_view name);

// The number of the period that a date or timestamp is in: 0 for the one with
// 1970-01-01 00:00, negative for those before. Never changes between releases.
std::int64_t PeriodNumber(TimePeriod period, const sql::ValueView& time);

// Whether a date or timestamp is the first of its period.
bool BeginsPeriod(TimePeriod period, const sql::ValueView& time);

}  // namespace shard

#endif  // SHARD_ROUTER_TIME_PERIOD_H_
