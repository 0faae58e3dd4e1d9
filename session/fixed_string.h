// A string literal as a template argument.
#ifndef SHARD_SESSION_FIXED_STRING_H_
#define SHARD_SESSION_FIXED_STRING_H_

#include <cstddef>
#include <string_view>

namespace shard {

template <std::size_t N>
struct FixedString {
  char data[N];
  constexpr FixedString(const char (&text)[N]) {  // NOLINT: "name" as argument
    for (std::size_t i = 0; i < N; ++i) data[i] = text[i];
  }
  constexpr std::string_view view() const { return {data, N - 1}; }
};

}  // namespace shard

#endif  // SHARD_SESSION_FIXED_STRING_H_
