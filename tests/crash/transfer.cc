#include "shard/tests/crash/transfer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/commit_result.h"
#include "shard/session/query.h"
#include "shard/tests/crash/accounts.h"

namespace shard::bank {
namespace {

constexpr auto& c = Account::c;

using Accounts = std::vector<std::shared_ptr<Account>>;

absl::Status Missing(const Leg& leg) {
  return absl::DataLossError(
      absl::StrCat("account ", leg.home, "/", leg.account, " is gone"));
}

// The row is locked from here on, or from the next flush. The account's values
// are read only afterwards: before, they are anyone's to change.
absl::StatusOr<std::shared_ptr<Account>> Book(ShardedSession& session,
                                              const Leg& leg,
                                              const Manner& manner) {
  if (manner.statements) {
    SHARD_RETURN_IF_ERROR(
        session
            .Execute(Update<Account>()
                         .Set(c.balance = c.balance + leg.delta,
                              c.version = c.version + 1)
                         .Where(c.home == leg.home && c.number == leg.account))
            .status());
  }
  SHARD_ASSIGN_OR_RETURN(auto account,
                         session.Get<Account>(leg.home, leg.account));
  if (account == nullptr) return Missing(leg);
  if (!manner.statements) {
    account->balance = c.balance + leg.delta;
    account->version = c.version + 1;
  }
  if (manner.one_by_one) SHARD_RETURN_IF_ERROR(session.Flush());
  return account;
}

absl::Status Record(ShardedSession& session, const Plan& plan, const Leg& leg,
                    const Account& account) {
  auto row = std::make_shared<Transfer>();
  row->transfer = plan.transfer();
  row->home = leg.home;
  row->account = leg.account;
  row->delta = leg.delta;
  SHARD_ASSIGN_OR_RETURN(const std::int64_t version, account.version.Load());
  row->version = version;
  row->legs = LegsText(plan.legs);
  row->client = plan.client;
  row->sequence = plan.sequence;
  return session.Add(row);
}

absl::Status BookAll(ShardedSession& session, const Plan& plan,
                     const Manner& manner) {
  std::vector<Leg> legs = plan.legs;
  // In one order, so that most transfers wait for one another and few deadlock.
  if (manner.one_by_one) std::sort(legs.begin(), legs.end());
  Accounts accounts;
  for (const Leg& leg : legs) {
    SHARD_ASSIGN_OR_RETURN(auto account, Book(session, leg, manner));
    accounts.push_back(std::move(account));
  }
  SHARD_RETURN_IF_ERROR(session.Flush());
  for (std::size_t i = 0; i < legs.size(); ++i) {
    SHARD_RETURN_IF_ERROR(Record(session, plan, legs[i], *accounts[i]));
  }
  return absl::OkStatus();
}

// What is undone before the commit must not show after it.
absl::Status BookInVain(ShardedSession& session, const Plan& plan,
                        const Manner& manner) {
  SHARD_RETURN_IF_ERROR(session.BeginNested());
  SHARD_RETURN_IF_ERROR(Book(session, plan.legs[0], manner).status());
  return session.RollbackNested();
}

absl::Status Work(ShardedSession& session, const Plan& plan,
                  const Manner& manner) {
  if (!manner.nested) return BookAll(session, plan, manner);
  SHARD_RETURN_IF_ERROR(BookInVain(session, plan, manner));
  SHARD_RETURN_IF_ERROR(session.BeginNested());
  SHARD_RETURN_IF_ERROR(BookAll(session, plan, manner));
  return session.CommitNested();
}

Attempt AttemptOf(const absl::StatusOr<CommitResult>& result) {
  if (result.ok()) {
    return {result->has_pending() ? Outcome::kPending : Outcome::kCommitted,
            absl::OkStatus()};
  }
  Outcome outcome = Outcome::kAborted;
  if (InDoubtOf(result.status()).has_value()) {
    outcome = Outcome::kInDoubt;
  } else if (AnswerLostOf(result.status()).has_value()) {
    outcome = Outcome::kUnknown;
  }
  return {outcome, result.status()};
}

}  // namespace

Manner RandomManner(Random& random) {
  Manner manner;
  manner.statements = Chance(random, 50);
  manner.one_by_one = Chance(random, 70);
  manner.nested = Chance(random, 15);
  manner.prepare = Chance(random, 15);
  manner.change_mind = Chance(random, 3);
  return manner;
}

Attempt TryTransfer(ShardedSession& session, const Plan& plan,
                    const Manner& manner) {
  absl::Status worked = Work(session, plan, manner);
  if (worked.ok() && manner.prepare) worked = session.Prepare();
  if (!worked.ok() || manner.change_mind) {
    session.Rollback();
    return {Outcome::kAborted, worked};
  }
  return AttemptOf(session.Commit());
}

}  // namespace shard::bank
