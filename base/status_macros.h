// Early return for functions that yield absl::Status or absl::StatusOr.
//
//   SHARD_RETURN_IF_ERROR(connection.Begin());
//   SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Account> a,
//   session.Get<Account>(5));
//
// The left side of SHARD_ASSIGN_OR_RETURN may declare a variable or name one
// that exists; it is moved into. Prefixed because consumers of the library see
// these macros.
#ifndef SHARD_BASE_STATUS_MACROS_H_
#define SHARD_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SHARD_RETURN_IF_ERROR(expression)                               \
  do {                                                                  \
    if (absl::Status shard_status_ = (expression); !shard_status_.ok()) \
        [[unlikely]] {                                                  \
      return shard_status_;                                             \
    }                                                                   \
  } while (false)

#define SHARD_MACRO_CONCAT_INNER_(a, b) a##b
#define SHARD_MACRO_CONCAT_(a, b) SHARD_MACRO_CONCAT_INNER_(a, b)

#define SHARD_ASSIGN_OR_RETURN(left, expression)                             \
  SHARD_ASSIGN_OR_RETURN_IMPL_(SHARD_MACRO_CONCAT_(shard_result_, __LINE__), \
                               left, expression)

#define SHARD_ASSIGN_OR_RETURN_IMPL_(result, left, expression) \
  auto result = (expression);                                  \
  if (!result.ok()) [[unlikely]] {                             \
    return std::move(result).status();                         \
  }                                                            \
  left = *std::move(result)

#endif  // SHARD_BASE_STATUS_MACROS_H_
