#include "shard/dialects/postgres/decide_task.h"

#include <libpq-fe.h>

#include <cstddef>
#include <iterator>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/pg_types.h"
#include "shard/sql/value.h"

namespace shard::postgres {
namespace {

using sql::ValueView;

// COMMIT waits until it is durable, whatever the session's setting; one that
// waits for more stays. CASE evaluates only the branch that it takes.
constexpr char kInsert[] =
    "INSERT INTO public.shard_decisions (txn, outcome, participants, redo) "
    "SELECT $1, $2, $3, $4 WHERE CASE WHEN "
    "pg_catalog.current_setting('synchronous_commit') "
    "OPERATOR(pg_catalog.=) 'remote_apply' THEN true ELSE "
    "pg_catalog.set_config('synchronous_commit', 'on', true) IS NOT NULL END";
constexpr TypeOid kTypes[] = {kTextOid, kTextOid, kTextOid, kByteaOid};

constexpr char kCommit[] = "COMMIT";

}  // namespace

absl::Status DecideTask::Prepare(const DecisionRow& row) {
  row_ = row;
  const ValueView outcome =
      ValueView::Text(row.outcome == Decision::kCommit ? "commit" : "abort");
  const ValueView redo =
      row_.redo.empty() ? ValueView()
                        : ValueView::Bytes(sql::ValueType::kBytes, row_.redo);
  values_.Clear();
  std::size_t column = 0;
  for (const ValueView& value : {ValueView::Text(row_.txn), outcome,
                                 ValueView::Text(row_.participants), redo}) {
    SHARD_RETURN_IF_ERROR(CheckValue(value));
    values_.Add(value, kTypes[column++]);
  }
  return absl::OkStatus();
}

bool DecideTask::Send(std::size_t step, Pipeline& pipeline) {
  StatementCache& statements = pipeline.state().statements();
  if (step == 1) {
    return pipeline.SendPrepared(statements.Find(kCommit, {}), kCommit, {},
                                 ParameterBuffer(), /*binary_rows=*/false);
  }
  return pipeline.SendPrepared(statements.Find(kInsert, kTypes), kInsert,
                               kTypes, values_, /*binary_rows=*/false);
}

absl::Status DecideTask::Receive(std::size_t step, const PGresult* result) {
  const std::string_view tag = CommandTag(result);
  if (tag == (step == 1 ? "COMMIT" : "INSERT 0 1")) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(
      "the server answered ", ToAbsl(text(step)), " with ", ToAbsl(tag)));
}

// What listeners hear of, without the settings.
std::string_view DecideTask::text(std::size_t step) const {
  return step == 1 ? kCommit : "INSERT INTO public.shard_decisions";
}

std::size_t DecideTask::parameters(std::size_t step) const {
  return step == 1 ? 0 : std::size(kTypes);
}

}  // namespace shard::postgres
