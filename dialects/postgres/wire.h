// Numbers as the wire has them: big-endian, at any address.
#ifndef SHARD_DIALECTS_POSTGRES_WIRE_H_
#define SHARD_DIALECTS_POSTGRES_WIRE_H_

#include <bit>
#include <cstdint>
#include <cstring>

namespace shard::postgres {

static_assert(std::endian::native == std::endian::little ||
              std::endian::native == std::endian::big);

template <class T>
T SwapToWire(T value) {
  if constexpr (std::endian::native == std::endian::big) {
    return value;
  } else if constexpr (sizeof(T) == 8) {
    return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  } else if constexpr (sizeof(T) == 1) {
    return value;
  } else {
    static_assert(sizeof(T) == 2);
    return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  }
}

// Writes `value` and returns the place behind it.
template <class T>
char* Put(char* out, T value) {
  value = SwapToWire(value);
  std::memcpy(out, &value, sizeof(value));
  return out + sizeof(value);
}

template <class T>
T Take(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof(value));
  return SwapToWire(value);
}

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_WIRE_H_
