// Mapped classes that the session tests share.
#ifndef SHARD_TESTS_SESSION_MODELS_H_
#define SHARD_TESTS_SESSION_MODELS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shard/session/entity.h"
#include "shard/sql/functions.h"

namespace shard::testing {

// A generated key, a server default and a client default.
template <class F>
struct AccountFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "owner"> owner;
  Field<F, std::optional<std::string>, "note", ServerDefault<"'none'">> note;
  Field<F, std::int64_t, "balance", ClientDefault<0>> balance;
};
struct Account : Entity<Account, AccountFields, "accounts"> {};

inline std::shared_ptr<Account> MakeAccount(std::string owner,
                                            std::int64_t balance = 0) {
  auto account = std::make_shared<Account>();
  account->owner = std::move(owner);
  account->balance = balance;
  return account;
}
inline std::shared_ptr<Account> MakeAccountWithId(std::int64_t id,
                                                  std::string owner,
                                                  std::int64_t balance = 0) {
  auto account = MakeAccount(std::move(owner), balance);
  account->id = id;
  return account;
}

// A shard key beside the primary key.
template <class F>
struct CityFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::optional<std::string>, "continent"> continent;
  Field<F, std::string, "name"> name;
  Field<F, std::optional<std::int64_t>, "population"> population;
};
struct City : Entity<City, CityFields, "cities"> {};

inline std::shared_ptr<City> MakeCity(
    std::string continent, std::string name,
    std::optional<std::int64_t> population = std::nullopt) {
  auto city = std::make_shared<City>();
  city->continent = std::move(continent);
  city->name = std::move(name);
  city->population = population;
  return city;
}

// A composite key.
template <class F>
struct LineFields {
  Field<F, std::int64_t, "order_id", PrimaryKey> order_id;
  Field<F, std::string, "position", PrimaryKey> position;
  Field<F, std::optional<std::string>, "article"> article;
};
struct Line : Entity<Line, LineFields, "lines"> {};

// A key of text.
template <class F>
struct PageFields {
  Field<F, std::string, "path", PrimaryKey> path;
  Field<F, std::optional<std::string>, "body"> body;
};
struct Page : Entity<Page, PageFields, "pages"> {};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_MODELS_H_
