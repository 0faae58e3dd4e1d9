// The library's side of the bulk comparisons, on whatever the router leads to.
#ifndef SHARD_BENCH_SESSION_BULK_H_
#define SHARD_BENCH_SESSION_BULK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/bench/comparison.h"
#include "shard/bench/items.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {

// From BEGIN to before COMMIT, on both sides, and rolled back: see
// SessionFlush.
class SessionBulk : public Side {
 public:
  explicit SessionBulk(std::shared_ptr<BindResolver> resolver)
      : resolver_(std::move(resolver)) {}

  absl::Status Prepare() override {
    session_.emplace(SessionOptions{.resolver = resolver_, .two_phase = false});
    return absl::OkStatus();
  }
  absl::Status CleanUp() override {
    session_.reset();
    return absl::OkStatus();
  }

 protected:
  ShardedSession& session() { return *session_; }
  static absl::Status Check(const absl::StatusOr<BulkReport>& report,
                            std::size_t rows) {
    SHARD_RETURN_IF_ERROR(report.status());
    return report->inserted + report->updated == rows
               ? absl::OkStatus()
               : absl::InternalError("rows are missing");
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  std::optional<ShardedSession> session_;
};

// Structs that the database numbers.
class SessionBulkInsert : public SessionBulk {
 public:
  SessionBulkInsert(std::shared_ptr<BindResolver> resolver, std::size_t rows,
                    bool keys_back)
      : SessionBulk(std::move(resolver)), rows_(MakeStructs(rows)) {
    options_.number_keys = true;
    options_.return_defaults = keys_back;
  }
  absl::Status Run() override {
    return Check(session().BulkInsert<Item>(rows_, options_), rows_.size());
  }

 private:
  const std::vector<Item::Row> rows_;
  BulkOptions options_;
};

// The same rows as columns by name.
class SessionBulkMappings : public SessionBulk {
 public:
  SessionBulkMappings(std::shared_ptr<BindResolver> resolver, std::size_t rows)
      : SessionBulk(std::move(resolver)), rows_(MakeMappings(rows)) {}
  absl::Status Run() override {
    return Check(session().BulkInsertMappings<Item>(rows_), rows_.size());
  }

 private:
  const std::vector<sql::Parameters> rows_;
};

// One column of the rows 1 to `rows`.
class SessionBulkUpdate : public SessionBulk {
 public:
  SessionBulkUpdate(std::shared_ptr<BindResolver> resolver, std::size_t rows)
      : SessionBulk(std::move(resolver)), size_(rows) {}
  absl::Status Prepare() override {
    ++quantity_;
    rows_.clear();
    for (std::size_t i = 1; i <= size_; ++i) {
      rows_.push_back({{"id", sql::Value(static_cast<std::int64_t>(i))},
                       {"quantity", sql::Value(quantity_)}});
    }
    return SessionBulk::Prepare();
  }
  absl::Status Run() override {
    return Check(session().BulkUpdateMappings<Item>(rows_), size_);
  }

 private:
  const std::size_t size_;
  std::vector<sql::Parameters> rows_;
  std::int64_t quantity_ = 1'000'000;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_SESSION_BULK_H_
