#include "shard/session/keys/worker_leases.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/dialect.h"
#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"

namespace shard {
namespace {

using sql::BinaryOp;
using sql::Expression;
using sql::Statement;
using sql::ValueType;

Expression C(std::string_view column) { return IdWorkersTable().c(column); }

// A parameter for the column.
Expression P(std::string_view name, std::string_view column) {
  return sql::Parameter(name, IdWorkersTable().FindColumn(column)->type());
}

Expression Is(std::string_view column) {
  return sql::Binary(BinaryOp::kEqual, C(column), P(column, column));
}

sql::ColumnAssignment Set(std::string_view column, Expression value) {
  return sql::Assign(IdWorkersTable(), column, std::move(value));
}

Expression DatabaseNow(const Dialect& dialect) {
  return sql::Text(dialect.MillisecondsNow(), {}, ValueType::kInt64);
}

Expression End(const Dialect& dialect) {
  return sql::Binary(BinaryOp::kAdd, DatabaseNow(dialect),
                     sql::Parameter("length", ValueType::kInt64));
}

Statement Read(const Dialect& dialect) {
  return sql::SelectStatement()
      .Column(C("worker"))
      .Column(C("holder"))
      .Column(C("reserved_to"))
      .Column(C("epoch"))
      .Column(C("expires_at"))
      .Column(DatabaseNow(dialect))
      .Where(Is("name"));
}

// The row must be as it was read: its holder may have come back.
Statement TakeOverStatement(const Dialect& dialect) {
  return sql::UpdateStatement(IdWorkersTable())
      .Set(Set("holder", P("new_holder", "holder")))
      .Set(Set("expires_at", End(dialect)))
      .Set(Set("reserved_to", P("new_reserved_to", "reserved_to")))
      .Where(Is("name"))
      .Where(Is("worker"))
      .Where(Is("holder"))
      .Where(Is("reserved_to"))
      .Where(sql::Binary(BinaryOp::kLessOrEqual, C("expires_at"),
                         DatabaseNow(dialect)));
}

Statement InsertNew(const Dialect& dialect) {
  sql::InsertStatement insert(IdWorkersTable());
  insert
      .Values({Set("name", P("name", "name")),
               Set("worker", P("worker", "worker")),
               Set("holder", P("holder", "holder")),
               Set("expires_at", End(dialect)),
               Set("reserved_to", P("reserved_to", "reserved_to")),
               Set("epoch", P("epoch", "epoch"))})
      .OnConflictDoNothing({IdWorkersTable().FindColumn("name"),
                            IdWorkersTable().FindColumn("worker")});
  return insert;
}

Statement RenewStatement(const Dialect& dialect) {
  return sql::UpdateStatement(IdWorkersTable())
      .Set(Set("expires_at", End(dialect)))
      .Set(Set("reserved_to", P("reserved_to", "reserved_to")))
      .Where(Is("name"))
      .Where(Is("worker"))
      .Where(Is("holder"));
}

Statement ReleaseStatement() {
  return sql::UpdateStatement(IdWorkersTable())
      .Set(Set("expires_at", sql::Literal(std::int64_t{0})))
      .Set(Set("holder", sql::Literal("")))
      .Set(Set("reserved_to", P("reserved_to", "reserved_to")))
      .Where(Is("name"))
      .Where(Is("worker"))
      .Where(Is("holder"));
}

}  // namespace

const sql::Table& IdWorkersTable() {
  static const sql::Table& table = *new sql::Table(
      "shard_id_workers",
      {{.name = "name", .type = ValueType::kText, .primary_key = true},
       {.name = "worker", .type = ValueType::kInt64, .primary_key = true},
       {.name = "holder", .type = ValueType::kText, .nullable = false},
       {.name = "expires_at", .type = ValueType::kInt64, .nullable = false},
       {.name = "reserved_to", .type = ValueType::kInt64, .nullable = false},
       {.name = "epoch", .type = ValueType::kInt64, .nullable = false}});
  return table;
}

WorkerLeases::WorkerLeases(std::shared_ptr<Engine> engine, std::string name,
                           std::string holder, const Terms& terms,
                           absl::Duration timeout)
    : name_(std::move(name)),
      holder_(std::move(holder)),
      terms_(terms),
      connection_(std::move(engine), timeout),
      read_(Read(connection_.engine().dialect())),
      take_over_(TakeOverStatement(connection_.engine().dialect())),
      insert_(InsertNew(connection_.engine().dialect())),
      renew_(RenewStatement(connection_.engine().dialect())),
      release_(ReleaseStatement()) {}

absl::StatusOr<bool> WorkerLeases::Changes(const Statement& statement,
                                           sql::Parameters parameters) {
  parameters.Add("name", sql::Value(name_));
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome,
                         connection_.Run(statement, parameters, nullptr));
  return outcome.total_affected() == 1;
}

absl::StatusOr<std::vector<WorkerLeases::Row>> WorkerLeases::ReadRows() {
  SHARD_RETURN_IF_ERROR(
      connection_.Run(read_, {{"name", sql::Value(name_)}}, &rows_).status());
  std::vector<Row> rows;
  for (std::size_t i = 0; i < rows_.rows(); ++i) {
    const auto cells = rows_.row(i);
    if (cells[3].integer() != terms_.epoch) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the epoch is ", terms_.epoch,
          " ms after 1970, and ids of that name "
          "have counted from ",
          cells[3].integer(), " ms; take that epoch, or another name"));
    }
    rows.push_back({cells[0].integer(), std::string(cells[1].bytes()),
                    cells[2].integer(),
                    cells[4].integer() <= cells[5].integer()});
  }
  return rows;
}

absl::StatusOr<bool> WorkerLeases::TakeOver(const Row& row,
                                            const WorkerLease& lease) {
  return Changes(take_over_,
                 {{"worker", sql::Value(row.worker)},
                  {"holder", sql::Value(row.holder)},
                  {"reserved_to", sql::Value(row.reserved_to)},
                  {"new_holder", sql::Value(holder_)},
                  {"new_reserved_to", sql::Value(lease.reserved_to)},
                  {"length", sql::Value(terms_.length)}});
}

absl::StatusOr<bool> WorkerLeases::Insert(const WorkerLease& lease) {
  return Changes(insert_, {{"worker", sql::Value(lease.worker)},
                           {"holder", sql::Value(holder_)},
                           {"reserved_to", sql::Value(lease.reserved_to)},
                           {"epoch", sql::Value(terms_.epoch)},
                           {"length", sql::Value(terms_.length)}});
}

absl::StatusOr<WorkerLease> WorkerLeases::Acquire(std::int64_t now,
                                                  std::int64_t most_ahead) {
  SHARD_ASSIGN_OR_RETURN(std::vector<Row> rows, ReadRows());
  // What is past for longest is tried first.
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::pair(a.reserved_to, a.worker) <
           std::pair(b.reserved_to, b.worker);
  });
  const auto take_over =
      [&](std::int64_t latest) -> absl::StatusOr<WorkerLease> {
    for (const Row& row : rows) {
      const std::int64_t from = std::max(now, row.reserved_to + 1);
      const bool fits = row.worker >= 0 && row.worker < terms_.workers;
      if (!row.free || !fits || from > latest) continue;
      const WorkerLease lease{row.worker, from, from + terms_.length};
      SHARD_ASSIGN_OR_RETURN(const bool mine, TakeOver(row, lease));
      if (mine) return lease;
    }
    return WorkerLease();
  };
  SHARD_ASSIGN_OR_RETURN(WorkerLease lease, take_over(now));
  if (lease.worker >= 0) return lease;
  std::set<std::int64_t> known;
  for (const Row& row : rows) known.insert(row.worker);
  for (std::int64_t worker = 0; worker < terms_.workers; ++worker) {
    if (known.contains(worker)) continue;
    lease = {worker, now, now + terms_.length};
    SHARD_ASSIGN_OR_RETURN(const bool mine, Insert(lease));
    if (mine) return lease;
  }
  SHARD_ASSIGN_OR_RETURN(lease, take_over(now + most_ahead));
  if (lease.worker >= 0) return lease;
  const bool behind = std::any_of(rows.begin(), rows.end(),
                                  [](const Row& row) { return row.free; });
  return absl::UnavailableError(
      behind
          ? absl::StrCat("the clock is more than ", most_ahead,
                         " ms behind the ids that were given under each "
                         "worker number that is free; set the clock, or wait")
          : absl::StrCat("all ", terms_.workers,
                         " worker numbers are leased; wait until one is "
                         "given back, or its lease is over"));
}

absl::StatusOr<bool> WorkerLeases::Renew(const WorkerLease& lease,
                                         std::int64_t reserve_to) {
  return Changes(renew_, {{"worker", sql::Value(lease.worker)},
                          {"holder", sql::Value(holder_)},
                          {"reserved_to", sql::Value(reserve_to)},
                          {"length", sql::Value(terms_.length)}});
}

absl::Status WorkerLeases::Release(const WorkerLease& lease,
                                   std::int64_t used_to) {
  return Changes(release_, {{"worker", sql::Value(lease.worker)},
                            {"holder", sql::Value(holder_)},
                            {"reserved_to", sql::Value(used_to)}})
      .status();
}

}  // namespace shard
