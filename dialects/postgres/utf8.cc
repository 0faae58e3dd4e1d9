#include "shard/dialects/postgres/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace shard::postgres {
namespace {

// True when the 8 bytes at `in` are all ASCII and none is NUL.
bool IsPlainWord(const char* in) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t word;
  std::memcpy(&word, in, sizeof(word));
  return ((word | (word - kOnes)) & kHigh) == 0;
}

// The length of the character at `in`, at most `left` bytes; 0 if it is none.
std::size_t CharacterLength(const unsigned char* in, std::size_t left) {
  const unsigned char lead = in[0];
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;  // range of the second byte
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;   // overlong
    if (lead == 0xF4) high = 0x8F;  // above U+10FFFF
  }
  if (length == 0 || length > left || in[1] < low || in[1] > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((in[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

TextFault FindTextFault(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && IsPlainWord(text.data() + at)) {
      at += 8;
      continue;
    }
    if (text[at] == '\0') return TextFault::kNulByte;
    const std::size_t length = CharacterLength(
        reinterpret_cast<const unsigned char*>(text.data() + at),
        text.size() - at);
    if (length == 0) return TextFault::kNotUtf8;
    at += length;
  }
  return TextFault::kNone;
}

}  // namespace shard::postgres
