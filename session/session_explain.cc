// SessionCore's telling of where a statement would go.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"
#include "shard/session/object_key_reader.h"
#include "shard/session/same_everywhere.h"
#include "shard/session/scatter_plan.h"
#include "shard/session/session_core.h"

namespace shard {
namespace {

absl::Status AddShard(const Bind& bind, const sql::Statement& statement,
                      Explanation* explanation) {
  if (bind.engine == nullptr) {
    return absl::InternalError(
        "the bind resolver answered with no engine; it must name one");
  }
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         bind.dialect().Compile(statement));
  explanation->shards.push_back(
      {bind.shard.is_none() ? std::string() : bind.shard.name(),
       bind.engine->name(), compiled->text});
  return absl::OkStatus();
}

// Collations of databases are only known once they are connected to: text is
// taken to sort by bytes.
absl::StatusOr<sql::Statement> Scattered(const sql::Statement& statement,
                                         const BindSet& binds) {
  const auto* select = statement.As<sql::SelectStatement>();
  if (select == nullptr) {
    if (statement.As<sql::TextStatement>() != nullptr) {
      return absl::UnimplementedError(
          "raw SQL text cannot be run on several shards at once, since what it "
          "means together is not known; name a shard");
    }
    SHARD_RETURN_IF_ERROR(CheckScatters(ExpressionsOf(statement)));
    return statement;
  }
  std::vector<ScatterPlace> places;
  for (const Bind& bind : binds) {
    places.push_back({&bind.dialect(), true});
  }
  SHARD_ASSIGN_OR_RETURN(ScatterPlan plan, PlanScatter(*select, places));
  return sql::Statement(std::move(plan.per_shard), statement.class_info());
}

// `scattered` with the condition that one shard gets.
sql::Statement Narrowed(const sql::Statement& scattered,
                        const std::optional<sql::Statement>& own) {
  if (!own.has_value()) return scattered;
  const auto* select = scattered.As<sql::SelectStatement>();
  if (select == nullptr) return *own;
  sql::SelectStatement narrowed = *select;
  narrowed.where = own->As<sql::SelectStatement>()->where;
  return sql::Statement(std::move(narrowed), scattered.class_info());
}

}  // namespace

absl::StatusOr<Route> SessionCore::ExplainRoute(const BindRequest& request,
                                                const BindArguments& bind) {
  if (bind.engine == nullptr) return options_.resolver->Explain(request);
  return Route{{{bind.engine.get(), options_.resolver->ShardOf(*bind.engine)}},
               "the engine that the caller named"};
}

absl::StatusOr<Explanation> SessionCore::ExplainInsert(
    const sql::InsertStatement& insert, BindRequest request,
    const BindArguments& bind) {
  SHARD_RETURN_IF_ERROR(insert.error);
  Explanation explanation;
  std::vector<std::pair<Bind, sql::InsertStatement>> placed;
  for (std::size_t row = 0; row < std::max<std::size_t>(1, insert.rows.size());
       ++row) {
    InsertRowReader reader(insert, row, *request.parameters);
    request.object = &reader;
    SHARD_ASSIGN_OR_RETURN(const Route route, ExplainRoute(request, bind));
    explanation.why = route.why;
    const Bind& place = route.binds.front();
    auto known = std::find_if(placed.begin(), placed.end(), [&](auto& entry) {
      return entry.first == place;
    });
    if (known == placed.end()) {
      known = placed.emplace(placed.end(), place, insert);
      known->second.rows.clear();
    }
    if (row < insert.rows.size()) {
      known->second.rows.push_back(insert.rows[row]);
    }
  }
  for (auto& [place, rows] : placed) {
    SHARD_RETURN_IF_ERROR(
        AddShard(place, sql::Statement(std::move(rows)), &explanation));
  }
  return explanation;
}

absl::StatusOr<Explanation> SessionCore::Explain(
    const sql::Statement& statement, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  const BindRequest request = RequestFor(statement, parameters, bind, how);
  const bool everywhere = WritesEverywhere(request, bind);
  if (everywhere) SHARD_RETURN_IF_ERROR(CheckSameEverywhere(statement));
  const auto* insert = statement.As<sql::InsertStatement>();
  if (insert != nullptr && !everywhere) {
    return ExplainInsert(*insert, request, bind);
  }
  SHARD_ASSIGN_OR_RETURN(Route route, ExplainRoute(request, bind));
  Explanation explanation;
  explanation.why = std::move(route.why);
  if (route.binds.size() == 1) {
    SHARD_RETURN_IF_ERROR(
        AddShard(route.binds.front(), statement, &explanation));
    return explanation;
  }
  sql::Statement scattered = statement;
  if (!everywhere) {
    SHARD_ASSIGN_OR_RETURN(scattered, Scattered(statement, route.binds));
  }
  for (const Bind& place : route.binds) {
    const auto own = options_.resolver->StatementFor(request, place);
    SHARD_RETURN_IF_ERROR(
        AddShard(place, Narrowed(scattered, own), &explanation));
  }
  return explanation;
}

}  // namespace shard
