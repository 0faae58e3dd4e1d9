#include "shard/session/two_phase/survey.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/environment.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/session/two_phase/gid.h"

namespace shard {
namespace {

SurveyedDatabase Reach(Topology& topology, const std::string& name,
                       Engine& engine, absl::Time until) {
  SurveyedDatabase database;
  database.name = name;
  database.engine = &engine;
  auto connection = engine.OpenConnection(until);
  if (connection.ok()) {
    database.connection = *std::move(connection);
  } else {
    database.error = connection.status();
  }
  database.identity = topology.IdentityOf(name);
  return database;
}

absl::Status ReadDecisions(SurveyedDatabase& database,
                           absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(database.decisions,
                         database.Ask(patience).ListDecisions());
  return absl::OkStatus();
}

absl::Status ReadPrepared(SurveyedDatabase& database, const std::string& prefix,
                          absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(database.prepared,
                         database.Ask(patience).ListPrepared(prefix));
  return absl::OkStatus();
}

}  // namespace

Participant& SurveyedDatabase::Ask(absl::Duration patience) {
  // Some more than the database itself is told to take: it has better words.
  connection->set_deadline(Now() + patience + absl::Seconds(1));
  return connection->participant();
}

Survey Survey::Take(Topology& topology, absl::Duration patience,
                    absl::Time reach_until) {
  Survey survey;
  for (const auto& [name, engine] : topology.databases()) {
    if (engine->is_private()) continue;
    survey.databases.push_back(Reach(topology, name, *engine, reach_until));
  }
  for (SurveyedDatabase& database : survey.databases) {
    if (database.error.ok()) {
      database.error = ReadDecisions(database, patience);
    }
  }
  FailPoint("survey.decisions");
  const std::string prefix = Gid::Prefix(topology.cluster());
  for (SurveyedDatabase& database : survey.databases) {
    if (database.error.ok()) {
      database.error = ReadPrepared(database, prefix, patience);
    }
  }
  FailPoint("survey.prepared");
  return survey;
}

SurveyedDatabase* Survey::FindByIdentity(std::string_view identity) {
  for (SurveyedDatabase& database : databases) {
    if (!identity.empty() && database.identity == identity) return &database;
  }
  return nullptr;
}

bool Survey::complete() const {
  return std::all_of(databases.begin(), databases.end(),
                     [](const auto& database) { return database.error.ok(); });
}

std::string Survey::Missing() const {
  std::string names;
  for (const SurveyedDatabase& database : databases) {
    if (database.error.ok()) continue;
    absl::StrAppend(&names, names.empty() ? "'" : ", '", database.name, "'");
  }
  return names;
}

}  // namespace shard
