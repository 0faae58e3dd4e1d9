// Mapped classes that the session tests share.
#ifndef SHARD_TESTS_SESSION_ACCOUNTS_H_
#define SHARD_TESTS_SESSION_ACCOUNTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "shard/session/entity.h"
#include "shard/sql/functions.h"

namespace shard::testing {

template <class F>
struct AccountFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "owner"> owner;
  Field<F, std::optional<std::string>, "note", ServerDefault<"'none'">> note;
  Field<F, std::int64_t, "balance", ClientDefault<0>> balance;
};
struct Account : Entity<Account, AccountFields, "accounts"> {};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_ACCOUNTS_H_
