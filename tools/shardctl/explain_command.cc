// shardctl explain: where rows of a table are, and what is sent there.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/router/bind_request.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/topology_config.h"
#include "shard/session/text_value.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/file_routing.h"
#include "shard/tools/shardctl/table.h"

namespace shard::shardctl {
namespace {

// One question: a key, or none for all rows.
struct Question {
  std::string key;
  sql::SelectStatement select;
  std::string why;
};

sql::SelectStatement SelectOf(const sql::Table& table) {
  sql::SelectStatement select;
  for (const sql::Column& column : table.columns()) {
    select.Column(column.expression());
  }
  return select;
}

std::string KeyNames(const sql::Table& table) {
  std::string names;
  for (const sql::Column& column : table.columns()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", column.name());
  }
  return names;
}

absl::StatusOr<Question> QuestionOf(const sql::Table& table,
                                    const std::string& text) {
  const std::size_t width = table.columns().size();
  std::vector<std::string> parts = {text};
  if (width > 1) parts = absl::StrSplit(text, ',');
  if (parts.size() != width) {
    return absl::InvalidArgumentError(
        absl::StrCat("--key needs ", width, " values with commas between, for ",
                     KeyNames(table)));
  }
  Question question{text, SelectOf(table), ""};
  sql::ByteArena arena;
  std::vector<sql::ValueView> values(width);
  for (std::size_t i = 0; i < width; ++i) {
    const sql::Column& column = table.columns()[i];
    const absl::Status parsed =
        ParseValue(column.type(), parts[i], arena, &values[i]);
    if (!parsed.ok()) {
      return Annotate(parsed, absl::StrCat("--key, column ", column.name()));
    }
    question.select.Where(sql::Binary(sql::BinaryOp::kEqual,
                                      column.expression(),
                                      sql::Literal(sql::Value(values[i]))));
  }
  question.why = absl::StrCat("by the shard key, ", KeyNames(table));
  return question;
}

absl::StatusOr<std::vector<Question>> QuestionsOf(
    const sql::Table& table, const std::vector<std::string>& keys) {
  std::vector<Question> questions;
  for (const std::string& key : keys) {
    SHARD_ASSIGN_OR_RETURN(questions.emplace_back(), QuestionOf(table, key));
  }
  if (questions.empty()) {
    questions.push_back(
        {"", SelectOf(table), "no key is given: all shards of the table"});
  }
  return questions;
}

absl::Status Answer(const Question& question, BindResolver& resolver,
                    Table* table, Json* answers) {
  const sql::Statement statement(question.select);
  BindRequest request;
  request.statement = &statement;
  request.operation = Operation::kRead;
  SHARD_ASSIGN_OR_RETURN(const BindSet binds, resolver.ResolveAll(request));
  Json places = Json::array();
  for (const Bind& bind : binds) {
    SHARD_ASSIGN_OR_RETURN(const auto compiled,
                           bind.engine->dialect().Compile(statement));
    table->Add(
        {question.key, bind.shard.name(), bind.engine->name(), compiled->text});
    places.push_back({{"shard", TextJson(bind.shard.name())},
                      {"database", bind.engine->name()},
                      {"sql", compiled->text}});
  }
  table->AddNote(question.why);
  answers->push_back({{"key", TextJson(question.key)},
                      {"why", question.why},
                      {"places", std::move(places)}});
  return absl::OkStatus();
}

absl::Status NoTable(const std::string& name, const FileTables& tables) {
  std::string known;
  for (const std::string& each : tables.names()) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", "'", each, "'");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the file describes no table '", name, "'; it has ",
      known.empty() ? "none" : known,
      ". Put it into 'tables' of its router, with the columns of its key and "
      "their types"));
}

}  // namespace

absl::StatusOr<ExitCode> RunExplain(const CommandLine& line, Output& output) {
  SHARD_ASSIGN_OR_RETURN(const TopologyConfig config,
                         ReadTopologyFile(line.topology_file));
  const absl::StatusOr<Routing> routing = MakeFileRouting(config);
  if (!routing.ok()) {
    return Annotate(routing.status(),
                    absl::StrCat("topology file '", line.topology_file, "'"));
  }
  output.object()["cluster"] = config.cluster;
  const sql::Table* const table = routing->tables->Find(line.explain.table);
  if (table == nullptr) return NoTable(line.explain.table, *routing->tables);
  SHARD_ASSIGN_OR_RETURN(const std::vector<Question> questions,
                         QuestionsOf(*table, line.explain.keys));
  Table shown({"KEY", "SHARD", "DATABASE", "SQL"});
  Json answers = Json::array();
  for (const Question& question : questions) {
    const absl::Status answered =
        Answer(question, *routing->resolver, &shown, &answers);
    if (answered.ok()) continue;
    output.Error(answered);
    return ExitCodeOf(answered);
  }
  output.Print(shown);
  output.object()["table"] = line.explain.table;
  output.object()["answers"] = std::move(answers);
  return ExitCode::kOk;
}

}  // namespace shard::shardctl
