#include "shard/tests/crash/plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace shard::bank {
namespace {

std::size_t RandomDatabases(Random& random) {
  const std::size_t percent = Pick(random, 100);
  if (percent < 10) return 1;
  if (percent < 55) return 2;
  return percent < 90 ? 3 : 4;
}

std::int64_t RandomAccount(Random& random, std::size_t accounts_each) {
  constexpr std::size_t kPopular = 4;
  const std::size_t among =
      Chance(random, 25) ? std::min(kPopular, accounts_each) : accounts_each;
  return static_cast<std::int64_t>(Pick(random, among));
}

// One pays the others.
void ShareOut(Random& random, std::vector<Leg>& legs) {
  std::int64_t paid = 0;
  for (std::size_t i = 1; i < legs.size(); ++i) {
    legs[i].delta = 1 + static_cast<std::int64_t>(Pick(random, 50));
    paid += legs[i].delta;
  }
  legs[0].delta = -paid;
}

}  // namespace

bool Chance(Random& random, int percent) {
  return Pick(random, 100) < static_cast<std::size_t>(percent);
}

std::size_t Pick(Random& random, std::size_t below) {
  return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
}

std::string LegsText(const std::vector<Leg>& legs) {
  return absl::StrJoin(legs, " ", [](std::string* out, const Leg& leg) {
    absl::StrAppend(out, leg.home, "/", leg.account, "=", leg.delta);
  });
}

absl::StatusOr<std::vector<Leg>> ParseLegs(const std::string& text) {
  std::vector<Leg> legs;
  for (const std::string& part :
       std::vector<std::string>(absl::StrSplit(text, ' '))) {
    const std::size_t slash = part.find('/');
    const std::size_t equals = part.find('=');
    Leg leg;
    if (slash == part.npos || equals == part.npos || slash > equals ||
        !absl::SimpleAtoi(part.substr(slash + 1, equals - slash - 1),
                          &leg.account) ||
        !absl::SimpleAtoi(part.substr(equals + 1), &leg.delta)) {
      return absl::DataLossError(absl::StrCat("no legs: '", text, "'"));
    }
    leg.home = part.substr(0, slash);
    legs.push_back(std::move(leg));
  }
  return legs;
}

std::string Plan::transfer() const {
  return absl::StrCat(client, "-", sequence);
}

std::size_t Plan::databases() const {
  std::set<std::string> homes;
  for (const Leg& leg : legs) homes.insert(leg.home);
  return homes.size();
}

std::vector<Leg> RandomLegs(Random& random,
                            const std::vector<std::string>& homes,
                            std::size_t accounts_each) {
  std::vector<std::string> touched = homes;
  std::shuffle(touched.begin(), touched.end(), random);
  touched.resize(std::min(RandomDatabases(random), touched.size()));
  std::vector<Leg> legs;
  for (const std::string& home : touched) {
    legs.push_back({home, RandomAccount(random, accounts_each)});
  }
  if (legs.size() == 1) {
    const auto other =
        (legs[0].account + 1) % static_cast<std::int64_t>(accounts_each);
    legs.push_back({legs[0].home, other});
  }
  ShareOut(random, legs);
  return legs;
}

}  // namespace shard::bank
