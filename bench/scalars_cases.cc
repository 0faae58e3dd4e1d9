// Reading all rows of a table: into objects, into plain structs, and columns
// alone; on the other
// side a prepared SELECT and a vector of structs.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <functional>
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
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {
namespace {

constexpr std::size_t kRows = 100'000;
constexpr auto& c = Item::c;

// Reads all rows in a new session and gives their number.
using ReadAll = std::function<absl::StatusOr<std::size_t>(ShardedSession&)>;

absl::StatusOr<std::size_t> ReadObjects(ShardedSession& session) {
  SHARD_ASSIGN_OR_RETURN(const auto items, session.Scalars(Select<Item>()));
  return items.size();
}

absl::StatusOr<std::size_t> ReadRows(ShardedSession& session) {
  SHARD_ASSIGN_OR_RETURN(const auto rows, session.Rows(Select<Item>()));
  benchmark::DoNotOptimize(rows.data());
  return rows.size();
}

absl::StatusOr<std::size_t> ReadColumns(ShardedSession& session) {
  SHARD_ASSIGN_OR_RETURN(
      Result result,
      session.Execute(Select(c.id, c.name, c.label, c.quantity, c.price)));
  std::vector<ItemRow> rows;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const StreamRow* row, result.Next());
    if (row == nullptr) break;
    ItemRow& item = rows.emplace_back();
    item.id = row->cells[0].integer();
    item.name = row->cells[1].bytes();
    item.label = row->cells[2].bytes();
    item.quantity = row->cells[3].integer();
    item.price = row->cells[4].real();
  }
  benchmark::DoNotOptimize(rows.data());
  return rows.size();
}

class SessionRead : public Side {
 public:
  SessionRead(std::shared_ptr<BindResolver> resolver, ReadAll read)
      : resolver_(std::move(resolver)), read_(std::move(read)) {}

  absl::Status Run() override {
    ShardedSession session(SessionOptions{.resolver = resolver_});
    SHARD_ASSIGN_OR_RETURN(const std::size_t rows, read_(session));
    return rows == kRows ? absl::OkStatus()
                         : absl::InternalError("rows are missing");
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  const ReadAll read_;
};

class RawRead : public Side {
 public:
  explicit RawRead(std::unique_ptr<RawSqlite> file) : file_(std::move(file)) {}
  absl::Status Run() override {
    SHARD_RETURN_IF_ERROR(file_->Run("BEGIN"));
    const std::vector<ItemRow> rows = file_->GetAll();
    benchmark::DoNotOptimize(rows.data());
    SHARD_RETURN_IF_ERROR(file_->Run("ROLLBACK"));
    return rows.size() == kRows ? absl::OkStatus()
                                : absl::InternalError("rows are missing");
  }

 private:
  const std::unique_ptr<RawSqlite> file_;
};

}  // namespace

std::vector<Case> ScalarsCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const auto make = [folder](const std::string& what, double at_most,
                             ReadAll read) {
    const std::string file = folder->PathOf(what);
    return Case{
        .name = "scalars_100000/" + what,
        .operations = kRows,
        .at_most = at_most,
        .ours = [folder, file,
                 read]() -> absl::StatusOr<std::unique_ptr<Side>> {
          SHARD_ASSIGN_OR_RETURN(auto resolver, StoredIn(file + ".db", kRows));
          return std::make_unique<SessionRead>(std::move(resolver), read);
        },
        .floor = [folder, file]() -> absl::StatusOr<std::unique_ptr<Side>> {
          SHARD_ASSIGN_OR_RETURN(
              auto raw, RawSqlite::MakeStored(file + "_raw.db", kRows));
          return std::make_unique<RawRead>(std::move(raw));
        }};
  };
  return {make("objects", 1.6, &ReadObjects), make("rows", 1.25, &ReadRows),
          make("columns", 1.2, &ReadColumns)};
}

}  // namespace shard::bench
