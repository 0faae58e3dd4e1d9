#include "shard/session/load_record.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/random_hex.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/session/bind_arguments.h"
#include "shard/session/result.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"

namespace shard {
namespace {

// Of the name of a run.
constexpr std::size_t kRunBytes = 16;

sql::ColumnAssignment Set(std::string_view column, sql::Value value) {
  return sql::Assign(LoadsTable(), column, sql::Literal(std::move(value)));
}

sql::Expression Is(std::string_view column, sql::Value value) {
  return sql::Binary(sql::BinaryOp::kEqual, LoadsTable().c(column),
                     sql::Literal(std::move(value)));
}

sql::Value Number(std::uint64_t number) {
  return sql::Value(static_cast<std::int64_t>(number));
}

absl::StatusOr<LoadState> StateOf(const Row& row) {
  LoadState state;
  SHARD_ASSIGN_OR_RETURN(state.name, row.Get<std::string>(0));
  SHARD_ASSIGN_OR_RETURN(state.source, row.Get<std::string>(1));
  SHARD_ASSIGN_OR_RETURN(state.position.rows, row.Get<std::int64_t>(2));
  SHARD_ASSIGN_OR_RETURN(state.position.bytes, row.Get<std::int64_t>(3));
  SHARD_ASSIGN_OR_RETURN(state.position.lines, row.Get<std::int64_t>(4));
  SHARD_ASSIGN_OR_RETURN(state.refused, row.Get<std::int64_t>(5));
  SHARD_ASSIGN_OR_RETURN(state.finished, row.Get<bool>(6));
  return state;
}

absl::StatusOr<std::vector<LoadState>> ReadWhere(
    SessionCore& session, const std::shared_ptr<Engine>& home,
    sql::Expression condition) {
  sql::SelectStatement select;
  for (const sql::Column& column : LoadsTable().columns()) {
    select.Column(LoadsTable().c(column.name()));
  }
  select.Where(std::move(condition));
  SHARD_ASSIGN_OR_RETURN(Result result,
                         session.Execute(select, {}, OnEngine(home), {}));
  SHARD_ASSIGN_OR_RETURN(const std::vector<Row> rows, result.All());
  std::vector<LoadState> states;
  for (const Row& row : rows) {
    SHARD_ASSIGN_OR_RETURN(LoadState state, StateOf(row));
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace

const sql::Table& LoadsTable() {
  using sql::ValueType;
  static const sql::Table* const table = new sql::Table(
      "shard_loads",
      {{.name = "name", .type = ValueType::kText, .primary_key = true},
       {.name = "source", .type = ValueType::kText, .nullable = false},
       {.name = "rows_read", .type = ValueType::kInt64, .nullable = false},
       {.name = "bytes_read", .type = ValueType::kInt64, .nullable = false},
       {.name = "lines_read", .type = ValueType::kInt64, .nullable = false},
       {.name = "refused", .type = ValueType::kInt64, .nullable = false},
       {.name = "finished", .type = ValueType::kBool, .nullable = false},
       {.name = "run", .type = ValueType::kText, .nullable = false}});
  return *table;
}

absl::StatusOr<std::vector<LoadState>> ReadLoads(
    SessionCore& session, const std::shared_ptr<Engine>& home) {
  return ReadWhere(session, home, {});
}

absl::StatusOr<std::optional<LoadState>> ReadLoad(
    SessionCore& session, const std::shared_ptr<Engine>& home,
    std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(
      std::vector<LoadState> states,
      ReadWhere(session, home, Is("name", sql::Value(std::string(name)))));
  if (states.empty()) return std::nullopt;
  return std::move(states.front());
}

absl::StatusOr<bool> DeleteLoad(SessionCore& session,
                                const std::shared_ptr<Engine>& home,
                                std::string_view name) {
  sql::DeleteStatement statement(LoadsTable());
  statement.Where(Is("name", sql::Value(std::string(name))));
  SHARD_ASSIGN_OR_RETURN(const Result result,
                         session.Execute(statement, {}, OnEngine(home), {}));
  return result.affected_rows() > 0;
}

absl::Status LoadRecord::Insert(SessionCore& session) {
  sql::InsertStatement insert(LoadsTable());
  insert.Values({Set("name", sql::Value(state_.name)),
                 Set("source", sql::Value(state_.source)),
                 Set("rows_read", Number(0)), Set("bytes_read", Number(0)),
                 Set("lines_read", Number(0)), Set("refused", Number(0)),
                 Set("finished", sql::Value(false)),
                 Set("run", sql::Value(run_))});
  return session.Execute(insert, {}, OnEngine(home_), {}).status();
}

absl::Status LoadRecord::Begin(SessionCore& session,
                               const std::string& source) {
  const std::string name = state_.name;
  state_ = {};
  state_.name = name;
  state_.source = source;
  return Insert(session);
}

absl::Status LoadRecord::TakeUp(SessionCore& session, const std::string& source,
                                bool accept_changed) {
  if (run_.empty()) {
    SHARD_ASSIGN_OR_RETURN(run_, RandomHex(kRunBytes));
  }
  // Before it is read: the last commit of a process that died may be still on
  // its way, and holds the row until then.
  sql::UpdateStatement take(LoadsTable());
  take.Set(Set("run", sql::Value(run_)))
      .Where(Is("name", sql::Value(state_.name)))
      .Where(Is("finished", sql::Value(false)));
  SHARD_RETURN_IF_ERROR(
      session.Execute(take, {}, OnEngine(home_), {}).status());
  SHARD_ASSIGN_OR_RETURN(const std::optional<LoadState> found,
                         ReadLoad(session, home_, state_.name));
  if (!found.has_value()) return Begin(session, source);
  state_ = *found;
  // Another process may have begun it between the two statements.
  if (!state_.finished) {
    SHARD_ASSIGN_OR_RETURN(const bool mine, Lock(session));
    if (!mine) return absl::AbortedError(TakenError().message());
  }
  if (state_.source == source) return absl::OkStatus();
  const bool may_change = accept_changed || state_.position.rows == 0;
  if (state_.finished || !may_change) {
    return absl::FailedPreconditionError(absl::StrCat(
        "load '", state_.name, "' has read ", state_.position.rows,
        " rows of another source (", state_.source, "; this one is ", source,
        "); use another name, forget that load, or accept the source as "
        "changed where it was mended behind those rows"));
  }
  state_.source = source;
  sql::UpdateStatement update(LoadsTable());
  update.Set(Set("source", sql::Value(source)))
      .Where(Is("name", sql::Value(state_.name)));
  return session.Execute(update, {}, OnEngine(home_), {}).status();
}

absl::StatusOr<bool> LoadRecord::LockAt(SessionCore& session,
                                        const LoadState& state) {
  sql::UpdateStatement update(LoadsTable());
  update.Set(Set("run", sql::Value(run_)))
      .Where(Is("name", sql::Value(state.name)))
      .Where(Is("run", sql::Value(run_)))
      .Where(Is("rows_read", Number(state.position.rows)))
      .Where(Is("finished", sql::Value(state.finished)));
  SHARD_ASSIGN_OR_RETURN(const Result result,
                         session.Execute(update, {}, OnEngine(home_), {}));
  return result.affected_rows() == 1;
}

absl::StatusOr<bool> LoadRecord::Lock(SessionCore& session) {
  return LockAt(session, state_);
}

absl::StatusOr<bool> LoadRecord::HasAdvanced(SessionCore& session) {
  if (!next_.has_value()) return false;
  return LockAt(session, *next_);
}

absl::Status LoadRecord::TakenError() const {
  return absl::FailedPreconditionError(absl::StrCat(
      "load '", state_.name, "' does not stand behind row ",
      state_.position.rows,
      " any more, where it was left here: another process has gone on with it, "
      "or it was forgotten"));
}

absl::Status LoadRecord::Advance(SessionCore& session,
                                 const LoadPosition& position,
                                 std::uint64_t refused, bool finished) {
  next_ = state_;
  next_->position = position;
  next_->refused = refused;
  next_->finished = finished;
  sql::UpdateStatement update(LoadsTable());
  update.Set(Set("rows_read", Number(position.rows)))
      .Set(Set("bytes_read", Number(position.bytes)))
      .Set(Set("lines_read", Number(position.lines)))
      .Set(Set("refused", Number(refused)))
      .Set(Set("finished", sql::Value(finished)))
      .Where(Is("name", sql::Value(state_.name)));
  return session.Execute(update, {}, OnEngine(home_), {}).status();
}

}  // namespace shard
