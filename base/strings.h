// Conversions between std::string_view and absl::string_view.
//
// Upstream they are one type; where Abseil is built with its own (Debian 12),
// they are two, and StrCat or an error constructor takes only Abseil's. Headers
// of this library speak std::string_view and convert here.
#ifndef SHARD_BASE_STRINGS_H_
#define SHARD_BASE_STRINGS_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace shard {

inline absl::string_view ToAbsl(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

inline std::string_view ToStd(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

}  // namespace shard

#endif  // SHARD_BASE_STRINGS_H_
