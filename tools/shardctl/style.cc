#include "shard/tools/shardctl/style.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/strings.h"

namespace shard::shardctl {
namespace {

const char* CodeOf(Color color) {
  switch (color) {
    case Color::kGreen:
      return "32";
    case Color::kYellow:
      return "33";
    case Color::kRed:
      return "31";
    case Color::kDim:
      return "2";
    case Color::kBold:
      return "1";
    case Color::kPlain:
      break;
  }
  return "0";
}

}  // namespace

std::string Paint(std::string_view text, Color color, bool colors) {
  if (!colors || color == Color::kPlain) return std::string(text);
  return absl::StrCat("\x1b[", CodeOf(color), "m", ToAbsl(text), "\x1b[0m");
}

bool StdoutHasColors() {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 &&
         (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

std::string OneLine(std::string_view text) {
  std::string line(ToStd(absl::StripAsciiWhitespace(ToAbsl(text))));
  for (char& c : line) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      c = ' ';
    } else if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      c = '?';
    }
  }
  return line;
}

std::size_t Width(std::string_view text) {
  // Bytes that begin a character of UTF-8.
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string ConflictText(std::string_view table, std::string_view key,
                         std::string_view what) {
  std::string where;
  if (!table.empty()) where = absl::StrCat("table ", ToAbsl(table));
  if (!key.empty()) absl::StrAppend(&where, ", ", ToAbsl(key));
  return absl::StrCat(where, where.empty() ? "" : ": ", ToAbsl(what));
}

std::string AgeText(absl::Duration age) {
  const std::int64_t seconds =
      std::max<std::int64_t>(0, absl::ToInt64Seconds(age));
  const std::int64_t minutes = seconds / 60, hours = minutes / 60;
  if (minutes == 0) return absl::StrCat(seconds, "s");
  if (hours == 0) return absl::StrCat(minutes, "m ", seconds % 60, "s");
  if (hours < 24) return absl::StrCat(hours, "h ", minutes % 60, "m");
  return absl::StrCat(hours / 24, "d ", hours % 24, "h");
}

}  // namespace shard::shardctl
