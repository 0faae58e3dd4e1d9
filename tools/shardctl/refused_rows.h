// The rows of a load that were left out.
#ifndef SHARD_TOOLS_SHARDCTL_REFUSED_ROWS_H_
#define SHARD_TOOLS_SHARDCTL_REFUSED_ROWS_H_

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace shard::shardctl {

// Keeps the first few, and writes all to a file where one is named. Not
// thread-safe.
class RefusedRows {
 public:
  static constexpr std::size_t kKept = 20;
  struct Row {
    std::string line;
    std::string reason;
  };

  // Appends to the file, as CSV with the columns line and reason: a load that
  // goes on goes on there too. kFailedPrecondition: it cannot be written.
  absl::Status OpenFile(const std::string& path);

  void Add(const std::string& line, const std::string& reason);
  const std::vector<Row>& first() const { return first_; }
  std::size_t count() const { return count_; }

  // Not all could be written: kResourceExhausted.
  absl::Status CloseFile();

 private:
  std::vector<Row> first_;
  std::size_t count_ = 0;
  std::string path_;
  std::ofstream file_;
};

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_REFUSED_ROWS_H_
