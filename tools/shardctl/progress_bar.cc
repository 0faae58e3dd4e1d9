#include "shard/tools/shardctl/progress_bar.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "shard/base/strings.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

constexpr std::size_t kLongestBar = 40, kShortestBar = 10;
constexpr std::size_t kGap = 2;

constexpr std::array<std::string_view, 6> kUnits = {"B",  "kB", "MB",
                                                    "GB", "TB", "PB"};

// From 0 to 1.
double Share(const WorkDone& done) {
  return std::clamp(
      static_cast<double>(done.bytes) / static_cast<double>(done.total_bytes),
      0.0, 1.0);
}

// Which unit a number is told in.
std::size_t UnitOf(std::int64_t bytes) {
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); bytes /= 1000) ++unit;
  return unit;
}

std::string InUnit(std::int64_t bytes, std::size_t unit) {
  if (unit == 0) return absl::StrCat(bytes);
  return absl::StrFormat("%.1f", static_cast<double>(bytes) /
                                     std::pow(1000, static_cast<double>(unit)));
}

std::string BytesDone(const WorkDone& done) {
  if (done.total_bytes <= 0) return BytesText(done.bytes);
  const std::size_t unit = UnitOf(done.total_bytes);
  return absl::StrCat(InUnit(done.bytes, unit), " of ",
                      InUnit(done.total_bytes, unit), " ",
                      ToAbsl(kUnits[unit]));
}

struct Field {
  std::string text;
  int rank;  // the highest goes first where there is no room
  Color color = Color::kPlain;
};

std::vector<Field> FieldsOf(const WorkDone& done) {
  std::vector<Field> fields;
  if (done.total_bytes > 0) {
    fields.push_back(
        {absl::StrFormat("%3d%%", static_cast<int>(Share(done) * 100)), 0,
         Color::kBold});
  }
  fields.push_back({absl::StrCat(CountText(done.rows), " rows"), 1});
  fields.push_back({BytesDone(done), 5, Color::kDim});
  if (done.rows_per_second >= 1) {
    fields.push_back(
        {absl::StrCat(
             CountText(static_cast<std::int64_t>(done.rows_per_second)), "/s"),
         4, Color::kDim});
  }
  if (done.left.has_value()) {
    fields.push_back({absl::StrCat(AgeText(*done.left), " left"), 2});
  }
  if (done.refused > 0) {
    fields.push_back(
        {absl::StrCat(CountText(done.refused), " refused"), 3, Color::kYellow});
  }
  return fields;
}

std::size_t WidthOf(const std::vector<Field>& fields) {
  std::size_t width = 0;
  for (const Field& field : fields) width += Width(field.text) + kGap;
  return width == 0 ? 0 : width - kGap;
}

void Fit(std::size_t width, std::vector<Field>* fields) {
  while (!fields->empty() && WidthOf(*fields) > width) {
    fields->erase(std::max_element(
        fields->begin(), fields->end(),
        [](const Field& a, const Field& b) { return a.rank < b.rank; }));
  }
}

std::string Bar(double share, std::size_t width, bool colors) {
  const std::size_t inside = width - 2;
  const auto full =
      static_cast<std::size_t>(share * static_cast<double>(inside));
  std::string filled(full, '=');
  if (full > 0 && full < inside) filled.back() = '>';
  if (full > 0) filled = Paint(filled, Color::kGreen, colors);
  return absl::StrCat("[", filled, std::string(inside - full, ' '), "]");
}

}  // namespace

std::string BarText(const WorkDone& done, std::size_t width, bool colors) {
  std::vector<Field> fields = FieldsOf(done);
  const bool has_bar = done.total_bytes > 0 && width >= 2 * kShortestBar;
  Fit(has_bar ? width - kShortestBar - kGap : width, &fields);
  std::vector<std::string> parts;
  if (has_bar) {
    const std::size_t room = width - WidthOf(fields) - kGap;
    parts.push_back(Bar(Share(done), std::min(room, kLongestBar), colors));
  }
  for (const Field& field : fields) {
    parts.push_back(Paint(field.text, field.color, colors));
  }
  return absl::StrJoin(parts, std::string(kGap, ' '));
}

std::string ProgressText(const WorkDone& done) {
  std::vector<std::string> parts;
  for (const Field& field : FieldsOf(done)) {
    parts.emplace_back(field.text, field.text.find_first_not_of(' '));
  }
  return absl::StrJoin(parts, ", ");
}

std::string CountText(std::int64_t count) {
  std::string text = absl::StrCat(count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string BytesText(std::int64_t bytes) {
  const std::size_t unit = UnitOf(bytes);
  return absl::StrCat(InUnit(bytes, unit), " ", ToAbsl(kUnits[unit]));
}

}  // namespace shard::shardctl
