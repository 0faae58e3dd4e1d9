// Atomic commits over several SQLite files, beside plain commits to the same
// number of files one after the other: from the change to the answer.
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/session_options.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kCommits = 10;  // of one run

// Files with `rows` items in each, keys from 1 on.
class Files {
 public:
  static absl::StatusOr<std::unique_ptr<Files>> Make(std::size_t count,
                                                     std::size_t rows) {
    auto files = std::make_unique<Files>();
    for (std::size_t i = 0; i < count; ++i) {
      files->paths_.push_back(
          files->folder_.PathOf(absl::StrCat("file", i, ".db")));
      SHARD_ASSIGN_OR_RETURN(const auto engine,
                             MakeSqlite(files->paths_.back()));
      SHARD_ASSIGN_OR_RETURN(const auto connection, engine->Connect());
      for (std::size_t id = 1; id <= rows; ++id) {
        SHARD_RETURN_IF_ERROR(connection->ExecuteScript(absl::StrCat(
            "INSERT INTO bench_items VALUES (", id, ", 'one', 'two', 3, 4)")));
      }
    }
    return files;
  }

  const std::vector<std::string>& paths() const { return paths_; }
  std::string UrlOf(std::size_t i) const {
    return absl::StrCat("sqlite:///", paths_[i]);
  }

 private:
  TemporaryFolder folder_;
  std::vector<std::string> paths_;
};

std::string NameOf(std::size_t i) { return absl::StrCat("d", i); }

// A session over all of them, atomic.
absl::StatusOr<SessionOptions> AtomicOptions(const Files& files) {
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> engines;
  for (std::size_t i = 0; i < files.paths().size(); ++i) {
    SHARD_ASSIGN_OR_RETURN(auto engine, OpenEngine(files.UrlOf(i)));
    engines.emplace_back(NameOf(i), std::move(engine));
  }
  SessionOptions options;
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

// A session over the first of them alone.
absl::StatusOr<SessionOptions> PlainOptions(const Files& files) {
  SessionOptions options;
  SHARD_ASSIGN_OR_RETURN(auto engine, OpenEngine(files.UrlOf(0)));
  options.resolver = OneDatabase(std::move(engine));
  options.expire_on_commit = false;
  return options;
}

// A session that holds objects and changes all of them.
class SessionCommits : public Side {
 public:
  SessionCommits(std::unique_ptr<Files> files, const SessionOptions& options)
      : files_(std::move(files)), session_(options) {}

  // From the database that `where` binds it to.
  absl::Status Hold(std::int64_t id, const BindArguments& where) {
    SHARD_ASSIGN_OR_RETURN(auto item, session_.Get<Item>(id, where));
    if (item == nullptr) return absl::NotFoundError("the row is missing");
    items_.push_back(std::move(item));
    return absl::OkStatus();
  }
  // Ends what Hold has begun; objects keep their values.
  absl::Status BeReady() { return session_.Commit().status(); }

  absl::Status Run() override {
    for (std::size_t i = 0; i < kCommits; ++i) {
      ++changes_;
      for (const auto& item : items_) item->quantity = changes_;
      SHARD_RETURN_IF_ERROR(session_.Commit().status());
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<Files> files_;
  ShardedSession session_;
  std::vector<std::shared_ptr<Item>> items_;
  std::int64_t changes_ = 1000;
};

// BEGIN, one-row UPDATEs, COMMIT by hand, all of it prepared.
class RawFile {
 public:
  static absl::StatusOr<std::unique_ptr<RawFile>> Open(
      const std::string& path) {
    std::unique_ptr<RawFile> file(new RawFile);
    if (sqlite3_open_v2(path.c_str(), &file->handle_,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        nullptr) != SQLITE_OK ||
        sqlite3_exec(file->handle_,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                     "PRAGMA foreign_keys=ON",
                     nullptr, nullptr, nullptr) != SQLITE_OK ||
        !file->Prepare("BEGIN", &file->begin_) ||
        !file->Prepare("UPDATE bench_items SET quantity = ? WHERE id = ?",
                       &file->update_) ||
        !file->Prepare("COMMIT", &file->commit_)) {
      return file->Error();
    }
    return file;
  }
  ~RawFile() {
    for (sqlite3_stmt* statement : {begin_, update_, commit_}) {
      sqlite3_finalize(statement);
    }
    sqlite3_close(handle_);
  }

  absl::Status Commit(std::size_t rows, std::int64_t quantity) {
    bool ok = Step(begin_);
    for (std::size_t id = 1; ok && id <= rows; ++id) {
      sqlite3_bind_int64(update_, 1, quantity);
      sqlite3_bind_int64(update_, 2, static_cast<std::int64_t>(id));
      ok = Step(update_);
    }
    return ok && Step(commit_) ? absl::OkStatus() : Error();
  }

 private:
  RawFile() = default;

  bool Prepare(const char* sql, sqlite3_stmt** out) {
    return sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, out,
                              nullptr) == SQLITE_OK;
  }
  static bool Step(sqlite3_stmt* statement) {
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done;
  }
  absl::Status Error() const {
    return absl::UnknownError(
        absl::StrCat("raw SQLite: ", sqlite3_errmsg(handle_)));
  }

  sqlite3* handle_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* update_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
};

// Plain commits, one file after the other.
class RawCommits : public Side {
 public:
  RawCommits(std::unique_ptr<Files> files,
             std::vector<std::unique_ptr<RawFile>> open, std::size_t rows)
      : files_(std::move(files)), open_(std::move(open)), rows_(rows) {}

  absl::Status Run() override {
    for (std::size_t i = 0; i < kCommits; ++i) {
      ++changes_;
      for (const auto& file : open_) {
        SHARD_RETURN_IF_ERROR(file->Commit(rows_, changes_));
      }
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<Files> files_;
  const std::vector<std::unique_ptr<RawFile>> open_;
  const std::size_t rows_;
  std::int64_t changes_ = 1000;
};

absl::StatusOr<std::unique_ptr<Side>> MakeAtomic(std::size_t count,
                                                 std::size_t rows) {
  SHARD_ASSIGN_OR_RETURN(auto files, Files::Make(count, rows));
  SHARD_ASSIGN_OR_RETURN(const auto options, AtomicOptions(*files));
  auto side = std::make_unique<SessionCommits>(std::move(files), options);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t id = 1; id <= rows; ++id) {
      SHARD_RETURN_IF_ERROR(
          side->Hold(static_cast<std::int64_t>(id), OnShard(NameOf(i))));
    }
  }
  SHARD_RETURN_IF_ERROR(side->BeReady());
  return side;
}

absl::StatusOr<std::unique_ptr<Side>> MakeRaw(std::size_t count,
                                              std::size_t rows) {
  SHARD_ASSIGN_OR_RETURN(auto files, Files::Make(count, rows));
  std::vector<std::unique_ptr<RawFile>> open;
  for (const std::string& path : files->paths()) {
    SHARD_ASSIGN_OR_RETURN(open.emplace_back(), RawFile::Open(path));
  }
  return std::make_unique<RawCommits>(std::move(files), std::move(open), rows);
}

Case Atomic(const std::string& name, double at_most, std::size_t count,
            std::size_t rows) {
  return {.name = absl::StrCat("atomic_commit/", name),
          .operations = kCommits,
          .at_most = at_most,
          .ours = [=] { return MakeAtomic(count, rows); },
          .floor = [=] { return MakeRaw(count, rows); }};
}

absl::StatusOr<std::unique_ptr<Side>> MakeOneWriter(bool among_four) {
  SHARD_ASSIGN_OR_RETURN(auto files, Files::Make(among_four ? 4 : 1, 1));
  SHARD_ASSIGN_OR_RETURN(const auto options, among_four ? AtomicOptions(*files)
                                                        : PlainOptions(*files));
  auto side = std::make_unique<SessionCommits>(std::move(files), options);
  SHARD_RETURN_IF_ERROR(
      side->Hold(1, among_four ? OnShard(NameOf(0)) : BindArguments()));
  SHARD_RETURN_IF_ERROR(side->BeReady());
  return side;
}

}  // namespace

std::vector<Case> SqliteCommitCases() {
  return {
      Atomic("2_sqlite", 1.35, 2, 1),
      Atomic("2_sqlite_100_rows", 1.7, 2, 100),
      Atomic("4_sqlite", 1.45, 4, 1),
      Case{.name = "one_writer/4_sqlite",
           .operations = kCommits,
           .at_most = 1.02,
           .ours = [] { return MakeOneWriter(true); },
           .floor = [] { return MakeOneWriter(false); }},
  };
}

}  // namespace shard::bench
