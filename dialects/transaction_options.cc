#include "shard/dialects/transaction_options.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

absl::Status CheckTimeout(const char* name, absl::Duration timeout) {
  if (timeout > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "TransactionOptions::", name, " is ", absl::FormatDuration(timeout),
      "; give a time above zero, or leave it out for no limit"));
}

}  // namespace

absl::Status CheckTransactionOptions(const TransactionOptions& options,
                                     absl::Time now) {
  SHARD_RETURN_IF_ERROR(
      CheckTimeout("statement_timeout", options.statement_timeout));
  SHARD_RETURN_IF_ERROR(CheckTimeout("lock_timeout", options.lock_timeout));
  if (now < options.deadline) return absl::OkStatus();
  return absl::DeadlineExceededError(
      "TransactionOptions::deadline is over before the transaction began; give "
      "it more time");
}

}  // namespace shard
