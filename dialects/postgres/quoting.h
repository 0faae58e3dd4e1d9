// Text as a part of a statement.
#ifndef SHARD_DIALECTS_POSTGRES_QUOTING_H_
#define SHARD_DIALECTS_POSTGRES_QUOTING_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "shard/dialects/postgres/link.h"

namespace shard::postgres {

// "it's" -> "'it''s'". kInvalidArgument for text that the server cannot take,
// kUnavailable when the connection is lost.
absl::StatusOr<std::string> QuoteLiteral(const Link& link,
                                         std::string_view text);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_QUOTING_H_
