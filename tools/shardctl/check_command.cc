// shardctl check: whether databases are fit for their part.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/session/two_phase/transaction_list.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/finding_level.h"
#include "shard/tools/shardctl/stamp_check.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

struct Inspected {
  std::vector<Finding> findings;
  std::optional<Stamp> stamp;
};

absl::StatusOr<Inspected> Inspect(const Context& context,
                                  const Database& database,
                                  StampCheck* stamps) {
  SHARD_RETURN_IF_ERROR(database.reached);
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection,
                         database.engine->Connect());
  connection->set_deadline(absl::Now() + context.line.timeout);
  Participant& participant = connection->participant();
  Inspected inspected;
  SHARD_ASSIGN_OR_RETURN(inspected.findings, participant.Inspect());
  SHARD_ASSIGN_OR_RETURN(inspected.stamp, participant.ReadStamp());
  // Of a sound stamp ours says more.
  std::erase_if(inspected.findings, [](const Finding& finding) {
    return finding.subject == "shard_stamp" && finding.level == Finding::kOk;
  });
  inspected.findings.push_back(stamps->Look(database.name, inspected.stamp));
  return inspected;
}

// Of all databases: what was found, as a table and for the object.
class Report {
 public:
  void Add(const Database& database, const Inspected& inspected) {
    Json findings = Json::array();
    for (const Finding& finding : inspected.findings) {
      const Table::Cell level = LevelCell(finding.level);
      if (finding.level == Finding::kWarning) ++warnings_;
      if (finding.level == Finding::kError) ++errors_;
      code_ = Worse(code_, CodeOf(finding.level));
      table_.Add({database.name, level, finding.subject, finding.value});
      if (!finding.advice.empty()) table_.AddNote(finding.advice);
      findings.push_back({{"level", level.text},
                          {"subject", finding.subject},
                          {"value", finding.value},
                          {"advice", TextJson(finding.advice)}});
    }
    databases_.push_back({{"database", database.name},
                          {"url", database.url},
                          {"reached", true},
                          {"stamp", StampJson(inspected.stamp)},
                          {"findings", std::move(findings)}});
  }

  void AddUnreachable(const Database& database, const absl::Status& error) {
    ++unreachable_;
    code_ = Worse(code_, ExitCode::kUnreachable);
    table_.Add({database.name,
                {"unreachable", Color::kRed},
                std::string("url"),
                database.url});
    table_.AddNote(std::string(error.message()));
    databases_.push_back({{"database", database.name},
                          {"url", database.url},
                          {"reached", false},
                          {"stamp", nullptr},
                          {"findings", Json::array()}});
  }

  ExitCode Show(Output& output) {
    output.Print(table_);
    output.text() << "\n"
                  << databases_.size()
                  << (databases_.size() == 1 ? " database: " : " databases: ")
                  << errors_ << (errors_ == 1 ? " error, " : " errors, ")
                  << warnings_ << (warnings_ == 1 ? " warning" : " warnings");
    if (unreachable_ > 0)
      output.text() << ", " << unreachable_ << " unreachable";
    output.text() << "\n";
    output.object()["databases"] = std::move(databases_);
    output.object()["errors"] = errors_;
    output.object()["warnings"] = warnings_;
    return code_;
  }

 private:
  Table table_{{"DATABASE", "LEVEL", "SUBJECT", "VALUE"}};
  Json databases_ = Json::array();
  std::size_t errors_ = 0, warnings_ = 0, unreachable_ = 0;
  ExitCode code_ = ExitCode::kOk;
};

ExitCode CheckAll(Context& context) {
  StampCheck stamps(&context.config);
  Report report;
  for (const Database& database : context.databases) {
    const absl::StatusOr<Inspected> inspected =
        Inspect(context, database, &stamps);
    if (inspected.ok()) {
      report.Add(database, *inspected);
    } else {
      report.AddUnreachable(database, inspected.status());
      context.output.Problem(database.name, inspected.status());
    }
  }
  return report.Show(context.output);
}

ExitCode CheckMayBeRemoved(Context& context) {
  const std::string& name = context.line.remove;
  const absl::StatusOr<std::shared_ptr<Topology>> topology =
      OpenTopology(context.config, context.databases);
  const absl::Status may_go =
      topology.ok() ? CheckRemoval(**topology, name, context.line.timeout)
                    : topology.status();
  context.output.object()["remove"] = name;
  context.output.object()["may_be_removed"] = may_go.ok();
  if (may_go.ok()) {
    context.output.text() << "'" << name
                          << "' may be removed: no unfinished transaction "
                             "needs it\n";
    return ExitCode::kOk;
  }
  context.output.Error(may_go);
  return ExitCodeOf(may_go);
}

}  // namespace

ExitCode RunCheck(Context& context) {
  return context.line.remove.empty() ? CheckAll(context)
                                     : CheckMayBeRemoved(context);
}

}  // namespace shard::shardctl
