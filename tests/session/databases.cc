#include "shard/tests/session/databases.h"

#include <filesystem>
#include <stdexcept>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "shard/dialects/schema.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/list_strategy.h"
#include "shard/sql/types.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

template <class T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return *std::move(result);
}
void Must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

// What a statement does, whatever stands around it: "DECLARE ... CURSOR FOR
// SELECT" reads, "WITH ... INSERT INTO ..." writes.
std::string_view VerbOf(const std::string& statement) {
  if (absl::StrContains(statement, "INSERT INTO ")) return "INSERT";
  if (absl::StrContains(statement, "UPDATE \"")) return "UPDATE";
  if (absl::StrContains(statement, "DELETE FROM ")) return "DELETE";
  return absl::StrContains(statement, "SELECT ") ? "SELECT" : "";
}

}  // namespace

void StatementLog::Add(const StatementEvent& event) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({std::string(event.engine), std::string(event.statement),
                      event.parameters});
}

void StatementLog::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

std::vector<StatementLog::Entry> StatementLog::Of(
    std::string_view verb, std::string_view engine) const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> found;
  for (const Entry& entry : entries_) {
    if ((verb.empty() || VerbOf(entry.statement) == verb) &&
        (engine.empty() || entry.engine == engine)) {
      found.push_back(entry);
    }
  }
  return found;
}

std::size_t StatementLog::CountAll() const {
  return Count("SELECT") + Count("INSERT") + Count("UPDATE") + Count("DELETE");
}

void DatabaseTest::SetUp() {
  if (!is_sqlite() && CountPostgresServers() == 0) {
    GTEST_SKIP() << "SHARD_TEST_POSTGRES_URLS is not set; ./test sets it";
  }
}

DatabaseTest::~DatabaseTest() {
  shards_.clear();  // closes their connections
  postgres_.clear();
  if (!folder_.empty()) std::filesystem::remove_all(folder_);
}

std::string DatabaseTest::NewUrl() {
  const std::size_t number = databases_++;
  if (is_postgresql() || (!is_sqlite() && number % 2 == 1)) {
    postgres_.push_back(PostgresDatabase::OnServer(postgres_.size()));
    return postgres_.back().url();
  }
  if (folder_.empty()) {
    folder_ =
        absl::StrCat(::testing::TempDir(), "/t",
                     absl::StrReplaceAll(Uuid::Random().ToText(), {{"-", ""}}));
    std::filesystem::create_directories(folder_);
  }
  return absl::StrCat("sqlite:///", folder_, "/", number, ".db");
}

std::shared_ptr<Engine> DatabaseTest::NewEngine(const std::string& name,
                                                const sql::MetaData& tables,
                                                EngineOptions options) {
  const std::string url = urls_[name] = NewUrl();
  options.name = name;
  if (!options.on_statement) {
    options.on_statement = [log = log_](const StatementEvent& event) {
      log->Add(event);
    };
  }
  auto engine = Must(OpenEngine(url, std::move(options)));
  Must(CreateAll(*engine, tables));
  log_->Clear();
  return engine;
}

std::shared_ptr<Engine> DatabaseTest::SameDatabase(const Engine& engine,
                                                   EngineOptions options) {
  return Must(OpenEngine(urls_.at(engine.name()), std::move(options)));
}

std::vector<std::pair<std::string, std::shared_ptr<Engine>>>
DatabaseTest::NewShards(std::size_t count, const sql::MetaData& tables) {
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> shards;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = absl::StrCat("s", i);
    shards.emplace_back(name, NewEngine(name, tables));
    shards_[name] = shards.back().second;
  }
  return shards;
}

std::shared_ptr<HorizontalResolver> DatabaseTest::HashedBy(
    const std::vector<const sql::Column*>& keys, std::size_t count) {
  sql::MetaData tables;
  HorizontalOptions options;
  options.writes_without_key = KeylessWrites::kAllow;  // shorter to test with
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(absl::StrCat("s", i));
  const auto strategy = Must(HashStrategy::Create(names));
  for (const sql::Column* key : keys) {
    tables.Add(key->table());
    options.rules.push_back(ShardBy({key}, strategy));
  }
  options.shards = NewShards(count, tables);
  return Must(HorizontalResolver::Create(std::move(options)));
}

std::shared_ptr<HorizontalResolver> DatabaseTest::CitiesByContinent() {
  HorizontalOptions options;
  options.writes_without_key = KeylessWrites::kAllow;  // shorter to test with
  for (const char* name : {"europe", "asia", "africa"}) {
    shards_[name] = NewEngine(name, {&City::table()});
    options.shards.emplace_back(name, shards_[name]);
  }
  options.rules.push_back(
      ShardBy(City::c.continent,
              Must(ListStrategy::Create(
                  {{"EU", "europe"}, {"AS", "asia"}, {"AF", "africa"}}))));
  return Must(HorizontalResolver::Create(std::move(options)));
}

std::string DatabaseTest::ReadText(const std::shared_ptr<Engine>& engine,
                                   std::string_view sql) {
  ShardedSession session(SameDatabase(*engine));
  auto result = Must(session.Execute(sql));
  return Must(result.Scalar<std::string>());
}

std::int64_t DatabaseTest::ReadNumber(const std::shared_ptr<Engine>& engine,
                                      std::string_view sql) {
  ShardedSession session(SameDatabase(*engine));
  auto result = Must(session.Execute(
      absl::StrCat("select cast((", std::string(sql), ") as bigint)")));
  return Must(result.Scalar<std::int64_t>());
}

std::int64_t DatabaseTest::CountRowsOnShards(const std::string& table) {
  std::int64_t rows = 0;
  for (const auto& [name, engine] : shards_) rows += CountRows(engine, table);
  return rows;
}

void DatabaseTest::RunSql(const std::shared_ptr<Engine>& engine,
                          std::string_view sql) {
  const auto other = SameDatabase(*engine);
  Must(Must(other->Connect())->ExecuteScript(sql));
}

SessionOptions WithResolver(std::shared_ptr<BindResolver> resolver) {
  SessionOptions options;
  options.resolver = std::move(resolver);
  // Atomic commits have tests of their own, and need a topology.
  options.two_phase = false;
  return options;
}

}  // namespace shard::testing
