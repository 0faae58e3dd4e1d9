// Commits of a one-row update on each of several databases: from the change to
// the answer, on both sides.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/postgres_server.h"
#include "shard/bench/raw_two_phase.h"
#include "shard/dialects/schema.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kCommits = 10;  // of one run
constexpr std::size_t kSessions = 16;

// Databases of a case, each with bench_items and a row in it; the file, if
// wanted, comes first.
class Databases {
 public:
  static absl::StatusOr<std::shared_ptr<Databases>> Make(
      const std::string& name, bool file, std::size_t servers) {
    auto made = std::make_shared<Databases>();
    if (servers > 0) {
      SHARD_ASSIGN_OR_RETURN(made->server_, PostgresServer::Find());
    }
    if (file) {
      made->urls_.push_back(
          absl::StrCat("sqlite:///", made->folder_.PathOf("decider.db")));
    }
    for (std::size_t i = 0; i < servers; ++i) {
      const auto& urls = made->server_->urls();
      const std::string& url = urls[i % urls.size()];
      const std::string database = absl::StrCat("bench_", name, "_", i);
      SHARD_ASSIGN_OR_RETURN(const auto raw, RawServer::Open(url));
      SHARD_RETURN_IF_ERROR(raw->Run(
          absl::StrCat("DROP DATABASE IF EXISTS ", database, " WITH (FORCE)")));
      SHARD_RETURN_IF_ERROR(
          raw->Run(absl::StrCat("CREATE DATABASE ", database)));
      made->urls_.push_back(
          absl::StrCat(url.substr(0, url.rfind('/') + 1), database));
    }
    SHARD_RETURN_IF_ERROR(made->Fill());
    return made;
  }

  // The library's way to them.
  absl::StatusOr<SessionOptions> Options() const {
    SessionOptions options;
    std::vector<std::pair<std::string, std::shared_ptr<Engine>>> engines;
    for (const std::string& url : urls_) {
      EngineOptions engine;
      engine.pool_size = kSessions;
      SHARD_ASSIGN_OR_RETURN(auto opened, OpenEngine(url, engine));
      engines.emplace_back(absl::StrCat("d", engines.size()), opened);
    }
    SHARD_ASSIGN_OR_RETURN(
        options.topology,
        Topology::Open({.cluster = "bench", .databases = engines}));
    std::vector<Bind> binds;
    for (const auto& [name, engine] : engines) {
      binds.push_back({engine.get(), ShardId::Of(name)});
    }
    options.resolver = std::make_shared<FunctionResolver>(
        [binds](const BindRequest& request) -> absl::StatusOr<Bind> {
          for (const Bind& bind : binds) {
            if (request.shard == bind.shard) return bind;
          }
          return absl::NotFoundError("no such shard");
        });
    options.expire_on_commit = false;
    options.recovery.background = false;
    return options;
  }

  absl::StatusOr<std::unique_ptr<RawTwoPhase>> Raw() const {
    sqlite3* file = nullptr;
    std::vector<std::unique_ptr<RawServer>> servers;
    for (const std::string& url : urls_) {
      if (url.starts_with("sqlite")) {
        const std::string path = url.substr(std::string("sqlite:///").size());
        if (sqlite3_open_v2(path.c_str(), &file,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                            nullptr) != SQLITE_OK) {
          return absl::UnavailableError(path);
        }
        sqlite3_exec(file, "PRAGMA synchronous=FULL", nullptr, nullptr,
                     nullptr);
      } else {
        SHARD_ASSIGN_OR_RETURN(servers.emplace_back(), RawServer::Open(url));
      }
    }
    return std::make_unique<RawTwoPhase>(file, std::move(servers));
  }
  std::size_t size() const { return urls_.size(); }

 private:
  absl::Status Fill() {
    for (const std::string& url : urls_) {
      SHARD_ASSIGN_OR_RETURN(const auto engine, OpenEngine(url));
      SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
      SHARD_ASSIGN_OR_RETURN(const auto connection, engine->Connect());
      for (std::size_t id = 1; id <= kSessions; ++id) {
        SHARD_RETURN_IF_ERROR(connection->ExecuteScript(absl::StrCat(
            "INSERT INTO bench_items VALUES (", id, ", 'one', 'two', 3, 4)")));
      }
    }
    return Options().status();  // stamps them
  }

  TemporaryFolder folder_;
  std::shared_ptr<PostgresServer> server_;
  std::vector<std::string> urls_;
};

// A session that holds a row of each database and changes all of them.
class OneSession {
 public:
  static absl::StatusOr<std::unique_ptr<OneSession>> Make(
      const SessionOptions& options, std::size_t databases, std::int64_t id) {
    auto made = std::make_unique<OneSession>(options);
    for (std::size_t i = 0; i < databases; ++i) {
      SHARD_ASSIGN_OR_RETURN(auto item, made->session_.Get<Item>(
                                            id, OnShard(absl::StrCat("d", i))));
      if (item == nullptr) return absl::NotFoundError("the row is missing");
      made->items_.push_back(std::move(item));
    }
    made->session_.Rollback();
    for (const auto& item : made->items_) static_cast<void>(item->id.value());
    return made;
  }
  explicit OneSession(const SessionOptions& options) : session_(options) {}

  absl::Status Commit() {
    ++changes_;
    for (const auto& item : items_) item->quantity = changes_;
    return session_.Commit().status();
  }

 private:
  ShardedSession session_;
  std::vector<std::shared_ptr<Item>> items_;
  std::int64_t changes_ = 1000;
};

// What one run does `kCommits` times.
template <class Worker>
class Commits : public Side {
 public:
  Commits(std::shared_ptr<Databases> databases, std::unique_ptr<Worker> worker)
      : databases_(std::move(databases)), worker_(std::move(worker)) {}
  absl::Status Run() override {
    for (std::size_t i = 0; i < kCommits; ++i) {
      SHARD_RETURN_IF_ERROR(worker_->Commit());
    }
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Databases> databases_;
  const std::unique_ptr<Worker> worker_;
};

// The same by many at once, each in a thread of its own.
template <class Worker>
class ManyCommits : public Side {
 public:
  ManyCommits(std::shared_ptr<Databases> databases,
              std::vector<std::unique_ptr<Worker>> workers)
      : databases_(std::move(databases)), workers_(std::move(workers)) {}
  absl::Status Run() override {
    std::vector<std::thread> threads;
    std::vector<absl::Status> statuses(workers_.size());
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      threads.emplace_back([this, i, &statuses] {
        for (std::size_t k = 0; k < kCommits && statuses[i].ok(); ++k) {
          statuses[i] = workers_[i]->Commit();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& status : statuses) SHARD_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Databases> databases_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

Case Atomic(const std::string& name, double at_most, bool file,
            std::size_t servers) {
  const auto make = [name, file, servers](const char* side) {
    return Databases::Make(absl::StrCat(name, "_", side), file, servers);
  };
  return {.name = absl::StrCat("atomic_commit/", name),
          .operations = kCommits,
          .at_most = at_most,
          .ours = [make]() -> absl::StatusOr<std::unique_ptr<Side>> {
            SHARD_ASSIGN_OR_RETURN(auto databases, make("ours"));
            SHARD_ASSIGN_OR_RETURN(const auto options, databases->Options());
            SHARD_ASSIGN_OR_RETURN(
                auto session, OneSession::Make(options, databases->size(), 1));
            return std::make_unique<Commits<OneSession>>(std::move(databases),
                                                         std::move(session));
          },
          .floor = [make]() -> absl::StatusOr<std::unique_ptr<Side>> {
            SHARD_ASSIGN_OR_RETURN(auto databases, make("raw"));
            SHARD_ASSIGN_OR_RETURN(auto raw, databases->Raw());
            return std::make_unique<Commits<RawTwoPhase>>(std::move(databases),
                                                          std::move(raw));
          }};
}

// A session that writes to the first of the databases alone.
Case OneWriter(const std::string& name, bool file, std::size_t servers) {
  const auto make =
      [name, file,
       servers](bool two_phase) -> absl::StatusOr<std::unique_ptr<Side>> {
    SHARD_ASSIGN_OR_RETURN(
        auto databases,
        Databases::Make(absl::StrCat("one_", two_phase ? "atomic" : "plain"),
                        file, servers));
    SHARD_ASSIGN_OR_RETURN(auto options, databases->Options());
    options.two_phase = two_phase;
    SHARD_ASSIGN_OR_RETURN(auto session, OneSession::Make(options, 1, 1));
    return std::make_unique<Commits<OneSession>>(std::move(databases),
                                                 std::move(session));
  };
  return {.name = absl::StrCat("one_writer/", name),
          .operations = kCommits,
          .at_most = 1.02,
          .ours = [make] { return make(true); },
          .floor = [make] { return make(false); }};
}

absl::StatusOr<std::unique_ptr<Side>> MakeManySessions() {
  SHARD_ASSIGN_OR_RETURN(auto databases,
                         Databases::Make("many_ours", false, 2));
  SHARD_ASSIGN_OR_RETURN(const auto options, databases->Options());
  std::vector<std::unique_ptr<OneSession>> sessions;
  for (std::size_t i = 1; i <= kSessions; ++i) {
    SHARD_ASSIGN_OR_RETURN(
        sessions.emplace_back(),
        OneSession::Make(options, 2, static_cast<std::int64_t>(i)));
  }
  return std::make_unique<ManyCommits<OneSession>>(std::move(databases),
                                                   std::move(sessions));
}

absl::StatusOr<std::unique_ptr<Side>> MakeManyRaw() {
  SHARD_ASSIGN_OR_RETURN(auto databases, Databases::Make("many_raw", false, 2));
  std::vector<std::unique_ptr<RawTwoPhase>> clients;
  for (std::size_t i = 1; i <= kSessions; ++i) {
    SHARD_ASSIGN_OR_RETURN(clients.emplace_back(), databases->Raw());
    clients.back()->set_row(static_cast<int>(i));
  }
  return std::make_unique<ManyCommits<RawTwoPhase>>(std::move(databases),
                                                    std::move(clients));
}

}  // namespace

std::vector<Case> TwoPhaseCases() {
  return {
      Atomic("2_postgres", 1.15, false, 2),
      Atomic("4_postgres", 1.15, false, 4),
      Atomic("sqlite_and_postgres", 1.25, true, 1),
      OneWriter("sqlite", true, 0),
      OneWriter("postgres", false, 2),
      // 0.9 of the throughput.
      Case{.name = "atomic_commit/16_sessions",
           .operations = kCommits * kSessions,
           .at_most = 1.11,
           .ours = [] { return MakeManySessions(); },
           .floor = [] { return MakeManyRaw(); }},
  };
}

}  // namespace shard::bench
