#include "shard/dialects/postgres/conversation.h"

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"

namespace shard::postgres {

Conversation::Conversation(std::unique_ptr<Link> link,
                           const StatementListeners* listeners)
    : link_(std::move(link)),
      pipeline_(link_.get(), &state_, &late_begin_, &look_ahead_, listeners),
      scripts_(link_.get(), &state_, &late_begin_, &look_ahead_, listeners),
      copies_(link_.get(), &late_begin_, &look_ahead_, listeners) {}

absl::Status Conversation::CheckIdle() const {
  if (!pipeline_.running() && !scripts_.running() && !copies_.running()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "the connection is busy: finish what was started first");
}

absl::Status Conversation::Begin(std::string text,
                                 const TransactionOptions& options) {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  if (!link_->usable()) return link_->Lost(text);
  if (in_transaction()) {
    return absl::FailedPreconditionError(
        "a transaction is open already: Commit or Rollback first");
  }
  look_ahead_.Renew();
  late_begin_.Begin(std::move(text), options);
  return absl::OkStatus();
}

bool Conversation::in_transaction() const {
  if (!link_->usable()) return false;
  if (late_begin_.open()) return true;
  switch (PQtransactionStatus(link_->libpq())) {
    case PQTRANS_ACTIVE:  // something was started; how it began is not known
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
      return true;
    default:
      return false;
  }
}

absl::Status Conversation::LimitLockWaits(absl::Duration limit) {
  if (!in_transaction()) {
    return absl::FailedPreconditionError(
        "waiting for locks is limited in a transaction: call Begin first");
  }
  late_begin_.LimitLockWaits(limit);
  return absl::OkStatus();
}

absl::Status Conversation::CheckOutsideTransaction() const {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  if (!in_transaction()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this cannot be done inside of a transaction: Commit or Rollback first");
}

absl::Status Conversation::StartScript(Script script) {
  pipeline_.Abandon();
  copies_.Abandon();
  if (scripts_.running()) scripts_.Finish().IgnoreError();
  return scripts_.Start(std::move(script));
}

absl::Status Conversation::StartOwn(std::string text, std::string shown) {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  return scripts_.Start({std::move(text), std::move(shown), true});
}

absl::StatusOr<ScriptResults> Conversation::FinishOwn() {
  SHARD_RETURN_IF_ERROR(scripts_.Finish());
  return scripts_.results();
}

absl::StatusOr<ScriptResults> Conversation::RunOwn(std::string text,
                                                   std::string shown) {
  SHARD_RETURN_IF_ERROR(CheckOutsideTransaction());
  SHARD_RETURN_IF_ERROR(StartOwn(std::move(text), std::move(shown)));
  return FinishOwn();
}

absl::StatusOr<ScriptResults> Conversation::RunOwnTransaction(
    std::string_view text, std::string shown) {
  SHARD_RETURN_IF_ERROR(
      CheckOutsideTransaction());  // else that is undone below
  // Whatever the database's default is: each statement has to see what was
  // committed before it.
  absl::StatusOr<ScriptResults> results =
      RunOwn(absl::StrCat("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;",
                          ToAbsl(text), ";COMMIT"),
             std::move(shown));
  if (!results.ok() && in_transaction()) {
    SHARD_RETURN_IF_ERROR(StartScript({"ROLLBACK"}));
    FinishScript().IgnoreError();  // shows in usable()
  }
  return results;
}

}  // namespace shard::postgres
