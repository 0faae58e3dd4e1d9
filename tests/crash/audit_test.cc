#include "shard/tests/crash/audit.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/tests/crash/order.h"
#include "shard/tests/crash/plan.h"

namespace shard::bank {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kOpening = 100;

// A bank with one account in each of "a", "b" and "c", and what happened there.
class Bank {
 public:
  Bank() {
    for (const char* home : {"a", "b", "c"}) {
      records_.accounts.push_back({home, 0, kOpening, 0});
    }
  }

  AccountRecord& account(const std::string& home) {
    for (AccountRecord& account : records_.accounts) {
      if (account.home == home) return account;
    }
    throw std::out_of_range(home);
  }

  // Everything that belongs to a transfer, on those of its databases.
  void Record(const std::string& transfer, const std::vector<Leg>& legs,
              const std::vector<std::string>& on) {
    for (const Leg& leg : legs) {
      if (std::find(on.begin(), on.end(), leg.home) == on.end()) continue;
      AccountRecord& touched = account(leg.home);
      touched.balance += leg.delta;
      records_.transfers.push_back({transfer, leg, ++touched.version, legs});
    }
  }
  void RecordAB(const std::string& transfer) {
    Record(transfer, {{"a", 0, -5}, {"b", 0, 5}}, {"a", "b"});
  }

  void Tell(const std::string& transfer, Outcome outcome) {
    records_.told[transfer].insert(outcome);
  }

  Records& records() { return records_; }
  Findings Judge() const { return Audit(records_, kOpening); }

 private:
  Records records_;
};

MATCHER_P4(Found, transfers, torn, lost, indoubt, "") {
  *result_listener << "with transfers=" << arg.transfers << " torn=" << arg.torn
                   << " lost=" << arg.lost << " indoubt=" << arg.indoubt;
  for (const std::string& detail : arg.details) {
    *result_listener << "\n" << detail;
  }
  return arg.transfers == static_cast<std::size_t>(transfers) &&
         arg.torn == static_cast<std::size_t>(torn) &&
         arg.lost == static_cast<std::size_t>(lost) &&
         arg.indoubt == static_cast<std::size_t>(indoubt) &&
         arg.details.size() == arg.torn + arg.lost + arg.indoubt;
}

TEST(AuditTest, HealthyBankHasNoFindings) {
  Bank bank;
  bank.RecordAB("t1");
  bank.Tell("t1", Outcome::kCommitted);
  bank.Record("t2", {{"a", 0, 1}, {"b", 0, 2}, {"c", 0, -3}}, {"a", "b", "c"});
  bank.Tell("t2", Outcome::kPending);
  bank.RecordAB("t3");  // its client died before it was told
  bank.RecordAB("t4");
  bank.Tell("t4", Outcome::kInDoubt);
  bank.Tell("t4", Outcome::kCommitted);
  bank.Tell("t5", Outcome::kAborted);
  bank.Tell("t6", Outcome::kInDoubt);
  bank.Tell("t7", Outcome::kUnknown);
  EXPECT_THAT(bank.Judge(), Found(4, 0, 0, 0));
}

TEST(AuditTest, TransferOnSomeDatabasesIsTorn) {
  Bank bank;
  bank.Record("t1", {{"a", 0, -5}, {"b", 0, 5}}, {"a"});
  // The sum of all balances is another one, too.
  const Findings findings = bank.Judge();
  EXPECT_THAT(findings, Found(0, 2, 0, 0));
  EXPECT_THAT(findings.details[0],
              HasSubstr("t1 is a/0=-5 b/0=5, recorded is a/0=-5"));
  EXPECT_THAT(findings.details[1], HasSubstr("add up to 295, not 300"));
}

TEST(AuditTest, TransferThatIsTornTwiceOverStillChangesNoSum) {
  Bank bank;
  bank.Record("t1", {{"a", 0, -5}, {"b", 0, 5}}, {"a"});
  bank.Record("t2", {{"a", 0, -5}, {"b", 0, 5}}, {"b"});
  EXPECT_THAT(bank.Judge(), Found(0, 2, 0, 0));
}

TEST(AuditTest, BalanceWithoutTransferIsTorn) {
  Bank bank;
  bank.account("a").balance -= 1;
  bank.account("b").balance += 1;
  EXPECT_THAT(bank.Judge(), Found(0, 2, 0, 0));
}

TEST(AuditTest, VersionsWithGapsOrRepeatsAreTorn) {
  Bank bank;
  bank.RecordAB("t1");
  bank.RecordAB("t2");
  bank.records().transfers[2].version = 3;  // t2 at a
  bank.account("a").version = 3;
  EXPECT_THAT(bank.Judge(), Found(2, 1, 0, 0));
  bank.records().transfers[2].version = 1;
  bank.account("a").version = 2;
  EXPECT_THAT(bank.Judge(), Found(2, 1, 0, 0));
}

TEST(AuditTest, VersionWithoutTransferIsTorn) {
  Bank bank;
  bank.account("a").version = 1;
  EXPECT_THAT(bank.Judge(), Found(0, 1, 0, 0));
}

TEST(AuditTest, TwoOrdersOfTheSameTransfersAreTorn) {
  Bank bank;
  bank.RecordAB("t1");
  bank.RecordAB("t2");
  // At a, t2 came first.
  bank.records().transfers[0].version = 2;
  bank.records().transfers[2].version = 1;
  const Findings findings = bank.Judge();
  EXPECT_THAT(findings, Found(2, 1, 0, 0));
  EXPECT_THAT(findings.details[0], HasSubstr("came before"));
}

TEST(AuditTest, PromisedTransferThatIsNotThereIsLost) {
  Bank bank;
  bank.Tell("t1", Outcome::kCommitted);
  bank.Tell("t2", Outcome::kPending);
  EXPECT_THAT(bank.Judge(), Found(0, 0, 2, 0));
}

TEST(AuditTest, PromisedTransferThatIsThereInPartIsTornAndLost) {
  Bank bank;
  bank.Record("t1", {{"a", 0, 0}, {"b", 0, 0}}, {"a"});
  bank.Tell("t1", Outcome::kCommitted);
  EXPECT_THAT(bank.Judge(), Found(0, 1, 1, 0));
}

TEST(AuditTest, AbortedTransferThatIsThereIsLost) {
  Bank bank;
  bank.RecordAB("t1");
  bank.Tell("t1", Outcome::kAborted);
  EXPECT_THAT(bank.Judge(), Found(1, 0, 1, 0));
}

TEST(AuditTest, ContradictionToClientIsLostEitherWay) {
  Bank bank;
  bank.RecordAB("t1");
  for (const char* transfer : {"t1", "t2"}) {
    bank.Tell(transfer, Outcome::kInDoubt);
    bank.Tell(transfer, Outcome::kCommitted);
    bank.Tell(transfer, Outcome::kAborted);
  }
  EXPECT_THAT(bank.Judge(), Found(1, 0, 2, 0));
}

TEST(AuditTest, WhatRecoveryLeftIsInDoubt) {
  Bank bank;
  bank.records().unfinished = {"a: still prepared: shard1/x"};
  EXPECT_THAT(bank.Judge(), Found(0, 0, 0, 1));
}

TEST(AuditTest, DamagedFileIsTorn) {
  Bank bank;
  bank.records().damaged = {"a: row 1 missing from index"};
  EXPECT_THAT(bank.Judge(), Found(0, 1, 0, 0));
}

TEST(OrderTest, OrdersThatFitHaveNoCircle) {
  EXPECT_THAT(FindCircle({}), IsEmpty());
  EXPECT_THAT(FindCircle({{"1"}, {}}), IsEmpty());
  EXPECT_THAT(FindCircle({{"1", "2", "4"}, {"1", "3", "4"}, {"2", "3"}}),
              IsEmpty());
}

TEST(OrderTest, CircleOverSeveralOrdersIsFound) {
  EXPECT_THAT(FindCircle({{"0", "1", "2"}, {"2", "3", "5"}, {"3", "1", "4"}}),
              ElementsAre("2", "3", "1"));
}

TEST(PlanTest, LegsKeepTheirText) {
  const std::vector<Leg> legs = {{"pg0", 3, -20}, {"file", 11, 20}};
  EXPECT_EQ(LegsText(legs), "pg0/3=-20 file/11=20");
  SHARD_ASSERT_OK_AND_ASSIGN(const std::vector<Leg> parsed,
                             ParseLegs("pg0/3=-20 file/11=20"));
  EXPECT_EQ(parsed, legs);
  for (const char* text : {"", "a", "a/1", "a=1", "a/b=1", "a/1=x", "a/1=2 "}) {
    EXPECT_THAT(ParseLegs(text), testing::HasCode(absl::StatusCode::kDataLoss))
        << text;
  }
}

TEST(PlanTest, RandomLegsAddUpToNothing) {
  Random random(7);
  std::set<std::size_t> databases;
  for (int i = 0; i < 1000; ++i) {
    const Plan plan{"c", i, RandomLegs(random, {"a", "b", "c", "d"}, 5)};
    std::int64_t sum = 0;
    std::set<std::pair<std::string, std::int64_t>> accounts;
    for (const Leg& leg : plan.legs) {
      sum += leg.delta;
      EXPECT_NE(leg.delta, 0);
      EXPECT_TRUE(accounts.emplace(leg.home, leg.account).second);
    }
    EXPECT_EQ(sum, 0);
    databases.insert(plan.databases());
  }
  EXPECT_THAT(databases, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace shard::bank
