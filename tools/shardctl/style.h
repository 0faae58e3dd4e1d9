// How things look on a terminal.
#ifndef SHARD_TOOLS_SHARDCTL_STYLE_H_
#define SHARD_TOOLS_SHARDCTL_STYLE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace shard::shardctl {

enum class Color { kPlain, kGreen, kYellow, kRed, kDim, kBold };

// In the terminal's colors, or plain where `colors` is off.
std::string Paint(std::string_view text, Color color, bool colors);

// Standard output is a terminal, and nobody has asked for no colors (NO_COLOR,
// TERM=dumb).
bool StdoutHasColors();

// On one line and without control characters: what a database says must not
// drive the terminal.
std::string OneLine(std::string_view text);

// Columns that the text takes, one for each character.
std::size_t Width(std::string_view text);

// "table t, id=7: it is gone". Table and key may be empty.
std::string ConflictText(std::string_view table, std::string_view key,
                         std::string_view what);

// "0s", "3m 12s", "2h 5m", "4d 3h".
std::string AgeText(absl::Duration age);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_STYLE_H_
