#include "shard/tests/crash/databases.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/schema.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/router/topology.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/crash/accounts.h"

namespace shard::bank {
namespace {

absl::StatusOr<std::shared_ptr<Engine>> Open(const Database& database) {
  EngineOptions options;
  options.name = database.name;
  options.busy_timeout = absl::Seconds(1);
  options.health_check_after = absl::Seconds(1);
  return OpenEngine(database.url, options);
}

void BeImpatient(SessionOptions& options) {
  options.lock_timeout = absl::Milliseconds(700);
  options.resolve_timeout = absl::Seconds(2);
  options.finish_timeout = absl::Seconds(1);
  options.recovery.interval = absl::Milliseconds(500);
  options.recovery.recover_after = absl::Seconds(1);
  // Longer than any session still asks what became of its commit.
  options.recovery.decision_retention = absl::Seconds(5);
}

std::shared_ptr<Account> MakeAccount(const std::string& home,
                                     std::size_t number) {
  auto account = std::make_shared<Account>();
  account->home = home;
  account->number = static_cast<std::int64_t>(number);
  account->balance = kOpeningBalance;
  account->version = 0;
  return account;
}

bool IsTransient(const absl::Status& status) {
  return absl::IsAborted(status) || absl::IsUnavailable(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

}  // namespace

absl::StatusOr<SessionOptions> OpenBank(
    const std::vector<Database>& databases) {
  TopologyOptions topology;
  topology.cluster = "bank";
  std::vector<std::pair<sql::Value, std::string>> homes;
  for (const Database& database : databases) {
    SHARD_ASSIGN_OR_RETURN(auto engine, Open(database));
    topology.databases.emplace_back(database.name, std::move(engine));
    homes.emplace_back(sql::Value(database.name), database.name);
  }
  SHARD_ASSIGN_OR_RETURN(const auto by_home, ListStrategy::Create(homes));
  HorizontalOptions horizontal;
  horizontal.shards = topology.databases;
  horizontal.rules = {ShardBy(Account::c.home, by_home),
                      ShardBy(Transfer::c.home, by_home)};
  SessionOptions options;
  BeImpatient(options);
  SHARD_ASSIGN_OR_RETURN(options.resolver,
                         HorizontalResolver::Create(std::move(horizontal)));
  SHARD_ASSIGN_OR_RETURN(options.topology, Topology::Open(std::move(topology)));
  return options;
}

absl::StatusOr<SessionOptions> OpenBankInTime(
    const std::vector<Database>& databases, const StopSignal& stop) {
  while (!stop.came()) {
    absl::StatusOr<SessionOptions> options = OpenBank(databases);
    if (options.ok() || !IsTransient(options.status())) return options;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::CancelledError("asked to stop");
}

absl::Status FoundBank(const std::vector<Database>& databases) {
  SHARD_ASSIGN_OR_RETURN(SessionOptions options, OpenBank(databases));
  options.recovery.background = false;
  for (const auto& [name, engine] : options.topology->databases()) {
    SHARD_RETURN_IF_ERROR(
        CreateAll(*engine, {&Account::table(), &Transfer::table()}));
  }
  ShardedSession session(options);
  for (const Database& database : databases) {
    for (std::size_t number = 0; number < kAccountsEach; ++number) {
      SHARD_RETURN_IF_ERROR(session.Add(MakeAccount(database.name, number)));
    }
  }
  return session.Commit().status();
}

}  // namespace shard::bank
