#include "shard/tests/session/two_phase/numbered_work.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/session/bind_arguments.h"
#include "shard/session/query.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

constexpr std::int64_t kAlone = 1'000'000;

std::string NameOf(std::int64_t number) { return absl::StrCat("T", number); }

BindArguments On(std::size_t database) {
  return OnShard(absl::StrCat("d", database));
}

// As NumberedWork::Rows has them.
std::string RowsAfter(std::int64_t transactions, std::int64_t alone) {
  return absl::StrCat("Counter=", transactions + kAlone * alone, ", ",
                      NameOf(transactions), "=", transactions);
}

// The population of "Counter", which comes first.
std::int64_t ReadCounter(std::string_view rows) {
  std::int64_t population = -1;
  const std::size_t from = rows.find('=') + 1;
  const std::string_view number = rows.substr(from, rows.find(',') - from);
  static_cast<void>(
      absl::SimpleAtoi({number.data(), number.size()}, &population));
  return population;
}

}  // namespace

NumberedWork::NumberedWork(Cluster* cluster)
    : cluster_(*cluster), options_(cluster->options()) {
  options_.resolve_timeout = absl::Milliseconds(100);
  options_.finish_timeout = absl::Milliseconds(100);
}

void NumberedWork::Begin() {
  ShardedSession session(options_);
  absl::Status status;
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    const std::string place = absl::StrCat("C", i);
    status.Update(session.Add(MakeCity(place, "Counter", 0)));
    status.Update(session.Add(MakeCity(place, NameOf(0), 0)));
    // One database after the other: it needs not be possible in one.
    status.Update(session.Commit().status());
  }
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

absl::Status NumberedWork::Do(ShardedSession& session, std::int64_t number) {
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    SHARD_RETURN_IF_ERROR(
        session.Add(MakeCity(absl::StrCat("C", i), NameOf(number), number)));
    SHARD_RETURN_IF_ERROR(
        session
            .Execute("update cities set population = population + 1 "
                     "where name = 'Counter'",
                     {}, On(i))
            .status());
    SHARD_RETURN_IF_ERROR(session
                              .Execute("delete from cities where name = :name",
                                       {{"name", NameOf(number - 1)}}, On(i))
                              .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<CommitResult> NumberedWork::Commit(std::int64_t number) {
  ShardedSession session(options_);
  SHARD_RETURN_IF_ERROR(Do(session, number));
  return session.Commit();
}

absl::Status NumberedWork::CommitAlone(std::size_t database) {
  ShardedSession session(options_);
  SHARD_RETURN_IF_ERROR(
      session
          .Execute("update cities set population = population + :more "
                   "where name = 'Counter'",
                   {{"more", kAlone}}, On(database))
          .status());
  return session.Commit().status();
}

absl::StatusOr<std::string> NumberedWork::Rows(std::size_t database) {
  ShardedSession session(options_);
  SHARD_ASSIGN_OR_RETURN(const auto cities,
                         session.Scalars(Select<City>(), {}, On(database)));
  std::vector<std::string> rows;
  for (const std::shared_ptr<City>& city : cities) {
    rows.push_back(absl::StrCat(city->name.value(), "=",
                                city->population.value().value_or(-1)));
  }
  std::sort(rows.begin(), rows.end());
  return absl::StrJoin(rows, ", ");
}

absl::StatusOr<NumberedWork::Done> NumberedWork::Find() {
  Done done{-1, {}};
  std::string found;
  bool whole = true;
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    SHARD_ASSIGN_OR_RETURN(const std::string rows, Rows(i));
    absl::StrAppend(&found, i == 0 ? "" : "; ", "d", i, " has ", rows);
    const std::int64_t counter = ReadCounter(rows);
    done.alone.push_back(counter / kAlone);
    if (i == 0) done.transactions = counter % kAlone;
    whole = whole && rows == RowsAfter(done.transactions, done.alone.back());
  }
  if (whole) return done;
  return absl::DataLossError(found);
}

}  // namespace shard::testing
