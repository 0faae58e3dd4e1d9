// Decimals as the server has them on the wire.
#ifndef SHARD_DIALECTS_POSTGRES_NUMERIC_FORM_H_
#define SHARD_DIALECTS_POSTGRES_NUMERIC_FORM_H_

#include <cstddef>
#include <string_view>

namespace shard::postgres {

// What PutNumeric writes at most.
inline constexpr std::size_t kMostNumericBytes = 64;

// Whether `text` is a sign, digits and a point, as a Decimal has them, and not
// too long. The server knows more: exponents, spaces, NaN.
bool IsPlainNumeric(std::string_view text);

// Writes the binary form, without its length, of what IsPlainNumeric, and
// returns the place behind it.
char* PutNumeric(std::string_view text, char* out);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_NUMERIC_FORM_H_
