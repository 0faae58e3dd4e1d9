// A commit of one new object to a SQLite file, with synchronous=NORMAL, so that
// no disk is waited for; on the other side BEGIN, a prepared INSERT and COMMIT.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/items.h"
#include "shard/bench/raw_sqlite.h"
#include "shard/dialects/engine.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kCommits = 200;  // of one run

class SessionCommits : public Side {
 public:
  explicit SessionCommits(std::shared_ptr<BindResolver> resolver)
      : session_(SessionOptions{.resolver = std::move(resolver),
                                .two_phase = false}),
        rows_(MakeRows(kCommits)) {}

  absl::Status Prepare() override {
    items_ = MakeItems(rows_);
    return absl::OkStatus();
  }
  absl::Status Run() override {
    for (const auto& item : items_) {
      SHARD_RETURN_IF_ERROR(session_.Add(item));
      SHARD_RETURN_IF_ERROR(session_.Commit().status());
    }
    return absl::OkStatus();
  }
  absl::Status CleanUp() override {
    items_.clear();
    return absl::OkStatus();
  }

 private:
  ShardedSession session_;
  const std::vector<ItemRow> rows_;
  std::vector<std::shared_ptr<Item>> items_;
};

class RawCommits : public Side {
 public:
  explicit RawCommits(std::unique_ptr<RawSqlite> file)
      : file_(std::move(file)), rows_(MakeRows(kCommits)) {}

  absl::Status Run() override {
    for (ItemRow& row : rows_) {
      if (!file_->InsertAndCommit(row)) return file_->Error();
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<RawSqlite> file_;
  std::vector<ItemRow> rows_;
};

}  // namespace

std::vector<Case> PlainCommitCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const Case normal{
      .name = "commit/sqlite_normal",
      .operations = kCommits,
      .at_most = 1.3,
      .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        const std::string path = folder->PathOf("normal.db");
        SHARD_RETURN_IF_ERROR(MakeSqlite(path).status());
        SHARD_ASSIGN_OR_RETURN(auto engine, OpenEngine("sqlite:///" + path +
                                                       "?synchronous=normal"));
        return std::make_unique<SessionCommits>(OneDatabase(std::move(engine)));
      },
      .floor = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
        SHARD_ASSIGN_OR_RETURN(
            auto file, RawSqlite::MakeStored(folder->PathOf("raw.db"), 0));
        SHARD_RETURN_IF_ERROR(file->Run("PRAGMA synchronous=NORMAL"));
        return std::make_unique<RawCommits>(std::move(file));
      }};
  return {normal};
}

}  // namespace shard::bench
