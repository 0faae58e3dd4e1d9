#include "shard/tools/shardctl/placement_check.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/row_batch.h"
#include "shard/router/shard_id.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"

namespace shard::shardctl {
namespace {

constexpr std::int64_t kRows = 20;

absl::Status ReadKeys(const ShardRule& rule, Engine& engine, RowBatch* rows) {
  sql::SelectStatement select;
  for (const sql::Column* column : rule.key) {
    select.Column(column->expression());
  }
  select.limit = kRows;
  const sql::Statement statement(select);
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         engine.dialect().Compile(statement));
  std::vector<sql::ValueView> values;
  SHARD_RETURN_IF_ERROR(BindParameters(*compiled, {}, &values));
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection, engine.Connect());
  return connection->Execute({compiled.get(), values, 1}, rows).status();
}

absl::Status CheckRow(const ShardRule& rule, const std::string& shard,
                      absl::Span<const sql::ValueView> key) {
  // No program of the library has put it there.
  if (std::any_of(key.begin(), key.end(),
                  [](const sql::ValueView& part) { return part.is_null(); })) {
    return absl::OkStatus();
  }
  SHARD_ASSIGN_OR_RETURN(const ShardId place, rule.strategy->ShardFor(key));
  if (place.name() == shard) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "table '", rule.key.front()->table().name(), "' has a row on '", shard,
      "' that by this would belong on '", place.name(),
      "': the shards, their order (--shards), the shard key (--shard-by) or a "
      "type (--type) is not what the programs use; nothing was loaded"));
}

}  // namespace

absl::Status CheckPlacement(
    const ShardRule& rule,
    absl::Span<const std::pair<std::string, std::shared_ptr<Engine>>> shards) {
  for (const auto& [shard, engine] : shards) {
    RowBatch rows;
    const absl::Status read = ReadKeys(rule, *engine, &rows);
    if (!read.ok()) {
      return Annotate(read, absl::StrCat("the rows on '", shard, "'"));
    }
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      SHARD_RETURN_IF_ERROR(CheckRow(rule, shard, rows.row(i)));
    }
  }
  return absl::OkStatus();
}

}  // namespace shard::shardctl
