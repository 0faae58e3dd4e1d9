#include "shard/dialects/postgres/numeric_form.h"

#include <algorithm>
#include <cstdint>

#include "shard/dialects/postgres/wire.h"

namespace shard::postgres {
namespace {

// Four decimal digits are one of the server's.
constexpr std::size_t kGroup = 4;
constexpr std::size_t kMostText = 80;
// The digits that those make, each in two bytes, and the head: the integer and
// the fractional part may each have a group that is not full.
static_assert((kMostText / kGroup + 2) * 2 + 8 <= kMostNumericBytes);

constexpr std::int16_t kNegative = 0x4000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Around the sign and the point.
struct Parts {
  bool negative;
  std::string_view whole, fraction;
};
Parts Split(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  return {negative, text.substr(0, point),
          text.substr(std::min(point + 1, text.size()))};
}

std::size_t GroupsOf(std::string_view digits) {
  return (digits.size() + kGroup - 1) / kGroup;
}

// As if there were zeros up to the length of a group.
std::int16_t ValueOf(std::string_view digits, std::size_t zeros_behind) {
  std::int16_t value = 0;
  for (const char c : digits) {
    value = static_cast<std::int16_t>(value * 10 + (c - '0'));
  }
  for (; zeros_behind > 0; --zeros_behind) {
    value = static_cast<std::int16_t>(value * 10);
  }
  return value;
}

}  // namespace

bool IsPlainNumeric(std::string_view text) {
  if (text.size() > kMostText) return false;
  const auto [negative, whole, fraction] = Split(text);
  return whole.size() + fraction.size() > 0 &&
         std::all_of(whole.begin(), whole.end(), IsDigit) &&
         std::all_of(fraction.begin(), fraction.end(), IsDigit);
}

char* PutNumeric(std::string_view text, char* out) {
  auto [negative, whole, fraction] = Split(text);
  const std::size_t groups = GroupsOf(whole) + GroupsOf(fraction);
  out = Put(out, static_cast<std::int16_t>(groups));
  out = Put(out, static_cast<std::int16_t>(GroupsOf(whole) - 1));
  out = Put(out, negative ? kNegative : std::int16_t{0});
  out = Put(out, static_cast<std::int16_t>(fraction.size()));
  // The first group is the one that may be short.
  for (std::size_t size = whole.size() % kGroup; !whole.empty(); size = 0) {
    if (size == 0) size = kGroup;
    out = Put(out, ValueOf(whole.substr(0, size), 0));
    whole.remove_prefix(size);
  }
  while (!fraction.empty()) {
    const std::size_t size = std::min(kGroup, fraction.size());
    out = Put(out, ValueOf(fraction.substr(0, size), kGroup - size));
    fraction.remove_prefix(size);
  }
  return out;
}

}  // namespace shard::postgres
