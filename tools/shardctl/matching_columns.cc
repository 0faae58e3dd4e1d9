#include "shard/tools/shardctl/matching_columns.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/sql/column.h"

namespace shard::shardctl {
namespace {

using sql::ValueType;
using Types = absl::Span<const std::pair<std::string, ValueType>>;

ReflectedColumn* Find(ReflectedTable& table, const std::string& name) {
  const auto found = std::find_if(
      table.columns.begin(), table.columns.end(),
      [&](const ReflectedColumn& c) { return c.spec.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

// How SQLite stores values of a type.
ValueType StoredAs(ValueType type) {
  switch (type) {
    case ValueType::kBool:
    case ValueType::kInt32:
      return ValueType::kInt64;
    case ValueType::kTimestamp:
    case ValueType::kDate:
    case ValueType::kDecimal:
    case ValueType::kJson:
      return ValueType::kText;
    case ValueType::kUuid:
      return ValueType::kBytes;
    default:
      return type;
  }
}

// The type that fits both, if one does.
std::optional<ValueType> CommonType(ValueType a, bool a_is_loose, ValueType b,
                                    bool b_is_loose) {
  if (a == b) return a;
  if (a_is_loose && StoredAs(b) == a) return b;
  if (b_is_loose && StoredAs(a) == b) return a;
  return std::nullopt;
}

std::string YesOrNo(bool yes, const char* what) {
  return absl::StrCat(yes ? "is " : "is not ", what);
}

// What is different in a column, "is text" and "is int64"; empty where nothing
// is.
std::pair<std::string, std::string> Difference(const ReflectedColumn& a,
                                               const ReflectedColumn& b) {
  const auto both = [](bool first, bool second, const char* what) {
    return std::pair(YesOrNo(first, what), YesOrNo(second, what));
  };
  if (a.generated != b.generated) {
    return both(a.generated, b.generated, "always made by the database");
  }
  if (a.spec.primary_key != b.spec.primary_key) {
    return both(a.spec.primary_key, b.spec.primary_key,
                "part of the primary key");
  }
  if (a.spec.nullable != b.spec.nullable) {
    return both(!a.spec.nullable, !b.spec.nullable, "NOT NULL");
  }
  if (a.spec.server_default.empty() != b.spec.server_default.empty()) {
    return both(!a.spec.server_default.empty(), !b.spec.server_default.empty(),
                "one with a default");
  }
  return {};
}

std::string TypeText(const ReflectedColumn& column) {
  return column.type.empty() ? "without a type" : column.type;
}

class Matcher {
 public:
  Matcher(const std::string& table, const TableOnShard& first)
      : table_(table),
        first_(first),
        loose_(first.table.columns.size(), first.has_loose_types),
        result_(first.table) {}

  absl::Status Match(TableOnShard& other) {
    for (const ReflectedColumn& column : other.table.columns) {
      if (Find(result_, column.spec.name) == nullptr) {
        return Missing(column.spec.name, first_.shard, other.shard);
      }
    }
    for (std::size_t i = 0; i < result_.columns.size(); ++i) {
      ReflectedColumn& mine = result_.columns[i];
      const ReflectedColumn* const theirs = Find(other.table, mine.spec.name);
      if (theirs == nullptr) {
        return Missing(mine.spec.name, other.shard, first_.shard);
      }
      SHARD_RETURN_IF_ERROR(MatchColumn(other, *theirs, i, mine));
    }
    return absl::OkStatus();
  }
  ReflectedTable TakeResult() { return std::move(result_); }

 private:
  absl::Status MatchColumn(const TableOnShard& other,
                           const ReflectedColumn& theirs, std::size_t index,
                           ReflectedColumn& mine) {
    const auto [one, two] = Difference(mine, theirs);
    if (!one.empty()) return Differ(mine.spec.name, one, other.shard, two);
    const std::optional<ValueType> type = CommonType(
        mine.spec.type, loose_[index], theirs.spec.type, other.has_loose_types);
    if (!type.has_value()) {
      return Differ(mine.spec.name, absl::StrCat("is ", TypeText(mine)),
                    other.shard, absl::StrCat("is ", TypeText(theirs)));
    }
    // What one shard is strict about all are.
    if (loose_[index] && !other.has_loose_types) {
      loose_[index] = false;
      mine.type = theirs.type;
    }
    mine.spec.type = *type;
    return absl::OkStatus();
  }

  absl::Status Missing(const std::string& column, const std::string& without,
                       const std::string& with) const {
    return absl::FailedPreconditionError(absl::StrCat(
        "table '", table_, "' has column '", column, "' on '", with,
        "' and not on '", without, "'; it must be the same on all shards"));
  }
  absl::Status Differ(const std::string& column, const std::string& one,
                      const std::string& other, const std::string& two) const {
    return absl::FailedPreconditionError(
        absl::StrCat("table '", table_, "': column '", column, "' ", one,
                     " on '", first_.shard, "', and ", two, " on '", other,
                     "'; the table must be the same on all shards"));
  }

  const std::string& table_;
  const TableOnShard& first_;
  std::vector<bool> loose_;  // of each column
  ReflectedTable result_;
};

absl::Status GiveTypes(const std::string& table, Types types,
                       std::vector<TableOnShard>* shards) {
  for (const auto& [name, type] : types) {
    bool found = false;
    for (TableOnShard& shard : *shards) {
      ReflectedColumn* const column = Find(shard.table, name);
      if (column == nullptr) continue;
      column->spec.type = type;
      found = true;
    }
    if (found) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--type: table '", table, "' has no column '", name, "'"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ReflectedTable> MatchColumns(
    const std::string& table, absl::Span<const TableOnShard> shards,
    Types types) {
  std::vector<TableOnShard> typed(shards.begin(), shards.end());
  SHARD_RETURN_IF_ERROR(GiveTypes(table, types, &typed));
  Matcher matcher(table, typed.front());
  for (std::size_t i = 1; i < typed.size(); ++i) {
    SHARD_RETURN_IF_ERROR(matcher.Match(typed[i]));
  }
  return matcher.TakeResult();
}

}  // namespace shard::shardctl
