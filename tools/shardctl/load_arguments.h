// What `shardctl load` was asked for.
#ifndef SHARD_TOOLS_SHARDCTL_LOAD_ARGUMENTS_H_
#define SHARD_TOOLS_SHARDCTL_LOAD_ARGUMENTS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/sql/value_type.h"

namespace shard::shardctl {

struct LoadArguments {
  std::string file;  // "-": standard input
  std::string table;
  std::vector<std::string> shard_by;
  std::vector<std::string> shards;  // empty: all, in the topology's order
  // Of columns whose type the database does not tell.
  std::vector<std::pair<std::string, sql::ValueType>> types;
  std::string name;            // empty: one of table and file
  std::size_t batch_rows = 0;  // 0: the library's own
  bool skip_bad = false;
  std::string refused_file;
  bool all_or_nothing = false;
  bool restart = false;
  bool mended = false;

  // The file.
  char delimiter = ',';
  std::string null_text;  // empty: an unquoted empty field
  bool header = true;
  std::vector<std::string> columns;  // without a header
};

// The options' setters. kInvalidArgument goes on behind the option's name:
// "needs ...".
absl::Status SetList(const std::string& value, std::vector<std::string>* list);
absl::Status SetDelimiter(const std::string& value, char* delimiter);
absl::Status SetBatchRows(const std::string& value, std::size_t* rows);
absl::Status AddType(const std::string& value, LoadArguments* arguments);

// What is missing or does not go together: kInvalidArgument.
absl::Status CheckLoadArguments(const LoadArguments& arguments);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_LOAD_ARGUMENTS_H_
