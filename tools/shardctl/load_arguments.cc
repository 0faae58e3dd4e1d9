#include "shard/tools/shardctl/load_arguments.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "shard/base/strings.h"
#include "shard/sql/value_type.h"

namespace shard::shardctl {
namespace {

constexpr std::int64_t kMostBatchRows = 10'000'000;

constexpr std::array<sql::ValueType, 11> kTypes = {
    sql::ValueType::kBool,      sql::ValueType::kInt32,
    sql::ValueType::kInt64,     sql::ValueType::kDouble,
    sql::ValueType::kText,      sql::ValueType::kBytes,
    sql::ValueType::kTimestamp, sql::ValueType::kDate,
    sql::ValueType::kDecimal,   sql::ValueType::kUuid,
    sql::ValueType::kJson};

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

}  // namespace

absl::Status SetList(const std::string& value, std::vector<std::string>* list) {
  *list = absl::StrSplit(value, ',');
  for (auto name = list->begin(); name != list->end(); ++name) {
    if (name->empty()) return Wrong("needs names with commas between: a,b,c");
    if (std::find(list->begin(), name, *name) != name) {
      return Wrong(absl::StrCat("names '", *name, "' twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetDelimiter(const std::string& value, char* delimiter) {
  if (value == "tab" || value == "\\t") {
    *delimiter = '\t';
    return absl::OkStatus();
  }
  if (value.size() != 1 || value == "\"" || value == "\n" || value == "\r") {
    return Wrong("needs one byte, no quote and no end of line; or 'tab'");
  }
  *delimiter = value.front();
  return absl::OkStatus();
}

absl::Status SetBatchRows(const std::string& value, std::size_t* rows) {
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < 1 ||
      number > kMostBatchRows) {
    return Wrong(absl::StrCat("needs a number from 1 to ", kMostBatchRows));
  }
  *rows = static_cast<std::size_t>(number);
  return absl::OkStatus();
}

absl::Status AddType(const std::string& value, LoadArguments* arguments) {
  const std::size_t equals = value.rfind('=');
  const std::string name = equals == value.npos ? "" : value.substr(equals + 1);
  for (const sql::ValueType type : kTypes) {
    if (name != ToAbsl(sql::ValueTypeName(type)) || equals == 0) continue;
    arguments->types.emplace_back(value.substr(0, equals), type);
    return absl::OkStatus();
  }
  return Wrong(
      "needs COLUMN=TYPE, where TYPE is bool, int32, int64, double, text, "
      "bytes, timestamp, date, decimal, uuid or json");
}

absl::Status CheckLoadArguments(const LoadArguments& arguments) {
  if (arguments.file.empty()) {
    return Wrong("load needs a CSV file, or - for standard input");
  }
  if (arguments.table.empty()) return Wrong("load needs --table");
  if (arguments.shard_by.empty()) {
    return Wrong(
        "load needs --shard-by: the column, or columns, that say on which "
        "shard a row is");
  }
  if (arguments.skip_bad && arguments.all_or_nothing) {
    return Wrong("--skip-bad and --all-or-nothing are opposites: say one");
  }
  if (!arguments.refused_file.empty() && !arguments.skip_bad) {
    return Wrong("--refused is for --skip-bad: else the first bad row ends it");
  }
  if (arguments.restart && arguments.mended) {
    return Wrong("--restart and --mended are opposites: say one");
  }
  if (arguments.header != arguments.columns.empty()) {
    return Wrong(
        "--no-header and --columns go together: without a header the columns "
        "must be named");
  }
  return absl::OkStatus();
}

}  // namespace shard::shardctl
