// What the bank keeps in each of its databases.
#ifndef SHARD_TESTS_CRASH_ACCOUNTS_H_
#define SHARD_TESTS_CRASH_ACCOUNTS_H_

#include <cstdint>
#include <string>

#include "shard/session/entity.h"

namespace shard::bank {

// Lives in the database that `home` names. Each transfer that touches it adds
// one to its version, so that versions tell the order of transfers.
template <class F>
struct AccountFields {
  Field<F, std::string, "home", PrimaryKey> home;
  Field<F, std::int64_t, "number", PrimaryKey> number;
  Field<F, std::int64_t, "balance"> balance;
  Field<F, std::int64_t, "version"> version;
};
struct Account : Entity<Account, AccountFields, "accounts"> {};

// Beside each account that a transfer touched: what it did there. `legs` has
// the whole transfer (see plan.h), so that each row says which others there
// must be.
template <class F>
struct TransferFields {
  Field<F, std::string, "transfer", PrimaryKey> transfer;
  Field<F, std::string, "home", PrimaryKey> home;
  Field<F, std::int64_t, "account", PrimaryKey> account;
  Field<F, std::int64_t, "delta"> delta;
  Field<F, std::int64_t, "version"> version;  // of the account, afterwards
  Field<F, std::string, "legs"> legs;
  Field<F, std::string, "client"> client;
  Field<F, std::int64_t, "sequence"> sequence;
};
struct Transfer : Entity<Transfer, TransferFields, "transfers"> {};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_ACCOUNTS_H_
