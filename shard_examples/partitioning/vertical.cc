// Vertical partitioning: each class in its own database.
#include <iostream>
#include <memory>

#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/topology.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

// [readme]
template <class F>
struct UserFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::string, "name"> name;
};
struct User : shard::Entity<User, UserFields, "users"> {};

template <class F>
struct AccountFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "balance", shard::ClientDefault<0>> balance;
};
struct Account : shard::Entity<Account, AccountFields, "accounts"> {};

absl::Status Vertical(const std::string& folder) {
  SHARD_ASSIGN_OR_RETURN(
      auto users, shard::OpenEngine("sqlite:///" + folder + "/users.db"));
  SHARD_ASSIGN_OR_RETURN(
      auto accounts, shard::OpenEngine("sqlite:///" + folder + "/accounts.db"));
  SHARD_RETURN_IF_ERROR(shard::CreateAll(*users, {&User::table()}));
  SHARD_RETURN_IF_ERROR(shard::CreateAll(*accounts, {&Account::table()}));

  auto resolver = std::make_shared<shard::VerticalResolver>();
  resolver->BindClass(User::class_info(), users)
      .BindClass(Account::class_info(), accounts);
  SHARD_ASSIGN_OR_RETURN(
      auto topology,
      shard::Topology::Open(
          {.cluster = "bank",
           .databases = {{"users", users}, {"accounts", accounts}}}));
  shard::ShardedSession session({.resolver = resolver, .topology = topology});

  auto ada = std::make_shared<User>();
  ada->name = "Ada";
  auto account = std::make_shared<Account>();
  SHARD_RETURN_IF_ERROR(session.Add(ada));
  SHARD_RETURN_IF_ERROR(session.Add(account));
  SHARD_RETURN_IF_ERROR(session.Flush());  // one INSERT into each database

  account->balance =
      Account::c.balance + 100;  // SQL, evaluated by the database
  SHARD_ASSIGN_OR_RETURN(shard::CommitResult done,
                         session.Commit());  // in both files or in none
  std::cout << "user " << ada->id.value() << " has " << account->balance.value()
            << "; " << done.ToString() << "\n";
  return absl::OkStatus();
}
// [/readme]

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = Vertical(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
