// Text that a PostgreSQL database can hold.
#ifndef SHARD_DIALECTS_POSTGRES_UTF8_H_
#define SHARD_DIALECTS_POSTGRES_UTF8_H_

#include <string_view>

namespace shard::postgres {

enum class TextFault { kNone, kNulByte, kNotUtf8 };

// The first fault of `text`. UTF-8 as the server sees it: no overlong forms, no
// surrogates, nothing above U+10FFFF.
TextFault FindTextFault(std::string_view text);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_UTF8_H_
