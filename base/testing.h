// GoogleTest matchers for absl::Status and absl::StatusOr.
//
//   SHARD_ASSERT_OK(session.Flush());
//   SHARD_ASSERT_OK_AND_ASSIGN(auto account, session.Get<Account>(5));
//   EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("x")));
#ifndef SHARD_BASE_TESTING_H_
#define SHARD_BASE_TESTING_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"

namespace shard::testing {

inline const absl::Status& GetStatus(const absl::Status& status) {
  return status;
}
template <class T>
const absl::Status& GetStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.ok();
}

MATCHER_P(HasCode, code, "has status code " + absl::StatusCodeToString(code)) {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.code() == code;
}

MATCHER_P2(StatusIs, code, message,
           "has status code " + absl::StatusCodeToString(code) +
               " and a message that fits") {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.code() == code &&
         ::testing::Matches(message)(std::string(status.message()));
}

}  // namespace shard::testing

#define SHARD_ASSERT_OK(expression) \
  ASSERT_THAT((expression), ::shard::testing::IsOk())
#define SHARD_EXPECT_OK(expression) \
  EXPECT_THAT((expression), ::shard::testing::IsOk())

#define SHARD_ASSERT_OK_AND_ASSIGN(left, expression) \
  SHARD_ASSERT_OK_AND_ASSIGN_IMPL_(                  \
      SHARD_MACRO_CONCAT_(shard_result_, __LINE__), left, expression)

#define SHARD_ASSERT_OK_AND_ASSIGN_IMPL_(result, left, expression) \
  auto result = (expression);                                      \
  ASSERT_THAT(result, ::shard::testing::IsOk());                   \
  left = *std::move(result)

#endif  // SHARD_BASE_TESTING_H_
