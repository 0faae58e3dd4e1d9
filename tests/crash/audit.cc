#include "shard/tests/crash/audit.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/tests/crash/order.h"

namespace shard::bank {
namespace {

// A transfer as it was found, put together from its rows.
struct Found {
  std::vector<Leg> recorded;
  std::vector<Leg> planned;
};

class Auditor {
 public:
  Auditor(const Records* records, std::int64_t opening_balance)
      : records_(*records), opening_balance_(opening_balance) {
    for (const TransferRecord& record : records_.transfers) {
      Found& found = found_[record.transfer];
      found.recorded.push_back(record.leg);
      found.planned = record.legs;
      history_[{record.leg.home, record.leg.account}].push_back(&record);
    }
    for (auto& [transfer, found] : found_) {
      std::sort(found.recorded.begin(), found.recorded.end());
      std::sort(found.planned.begin(), found.planned.end());
    }
  }

  Findings Run() {
    CheckTransfers();
    CheckSum();
    for (const AccountRecord& account : records_.accounts) {
      CheckAccount(account);
    }
    CheckOrder();
    for (const auto& [transfer, outcomes] : records_.told) {
      CheckTold(transfer, outcomes);
    }
    for (const std::string& what : records_.damaged) {
      Note(&findings_.torn, "torn", what);
    }
    for (const std::string& what : records_.unfinished) {
      Note(&findings_.indoubt, "in doubt", what);
    }
    return std::move(findings_);
  }

 private:
  void Note(std::size_t* count, const char* kind, const std::string& what) {
    ++*count;
    findings_.details.push_back(absl::StrCat(kind, ": ", what));
  }

  bool IsWhole(const std::string& transfer) const {
    const auto found = found_.find(transfer);
    return found != found_.end() &&
           found->second.recorded == found->second.planned;
  }

  void CheckTransfers() {
    for (const auto& [transfer, found] : found_) {
      if (IsWhole(transfer)) {
        ++findings_.transfers;
      } else {
        Note(&findings_.torn, "torn",
             absl::StrCat(transfer, " is ", LegsText(found.planned),
                          ", recorded is ", LegsText(found.recorded)));
      }
    }
  }

  void CheckSum() {
    std::int64_t sum = 0;
    for (const AccountRecord& account : records_.accounts) {
      sum += account.balance;
    }
    const std::int64_t expected =
        opening_balance_ * static_cast<std::int64_t>(records_.accounts.size());
    if (sum == expected) return;
    Note(&findings_.torn, "torn",
         absl::StrCat("all balances add up to ", sum, ", not ", expected));
  }

  void CheckAccount(const AccountRecord& account) {
    auto& rows = history_[{account.home, account.number}];
    std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
      return a->version < b->version;
    });
    std::int64_t balance = opening_balance_;
    std::int64_t version = 0;
    bool gapless = true;
    for (const TransferRecord* row : rows) {
      balance += row->leg.delta;
      gapless = gapless && row->version == ++version;
    }
    const std::string name = absl::StrCat(account.home, "/", account.number);
    if (!gapless || version != account.version) {
      Note(&findings_.torn, "torn",
           absl::StrCat(name, " has version ", account.version,
                        " and not one transfer for each version: ", version));
    }
    if (balance != account.balance) {
      Note(&findings_.torn, "torn",
           absl::StrCat(name, " has ", account.balance, ", its transfers make ",
                        balance));
    }
  }

  // Every account saw its transfers in an order of its own; one order must suit
  // them all. (Were rows missing from a history, it would still be an order.)
  void CheckOrder() {
    std::vector<std::vector<std::string>> orders;
    for (const auto& [account, rows] : history_) {
      auto& order = orders.emplace_back();
      for (const TransferRecord* row : rows) order.push_back(row->transfer);
    }
    const std::vector<std::string> circle = FindCircle(orders);
    if (circle.empty()) return;
    Note(&findings_.torn, "torn",
         absl::StrCat("each of these came before the next, and the last before "
                      "the first: ",
                      absl::StrJoin(circle, ", ")));
  }

  void CheckTold(const std::string& transfer,
                 const std::set<Outcome>& outcomes) {
    const bool recorded = found_.contains(transfer);
    for (const Outcome outcome : outcomes) {
      const bool promised =
          outcome == Outcome::kCommitted || outcome == Outcome::kPending;
      if ((promised && !IsWhole(transfer)) ||
          (outcome == Outcome::kAborted && recorded)) {
        Note(&findings_.lost, "lost",
             absl::StrCat(transfer, " was told to be ", OutcomeName(outcome),
                          " and is ",
                          !recorded           ? "recorded nowhere"
                          : IsWhole(transfer) ? "recorded"
                                              : "recorded in part"));
      }
    }
  }

  const Records& records_;
  const std::int64_t opening_balance_;
  std::map<std::string, Found> found_;
  std::map<std::pair<std::string, std::int64_t>,
           std::vector<const TransferRecord*>>
      history_;
  Findings findings_;
};

}  // namespace

Findings Audit(const Records& records, std::int64_t opening_balance) {
  return Auditor(&records, opening_balance).Run();
}

}  // namespace shard::bank
