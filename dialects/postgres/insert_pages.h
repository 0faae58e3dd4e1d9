// Cutting rows on their way to the server into pages.
#ifndef SHARD_DIALECTS_POSTGRES_INSERT_PAGES_H_
#define SHARD_DIALECTS_POSTGRES_INSERT_PAGES_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/dialects/connection.h"
#include "shard/sql/value.h"

namespace shard::postgres {

// A statement's worth of rows each: enough that the cost of a statement does
// not show, little enough that neither side has to hold much.
class InsertPages {
 public:
  void Cut(const InsertRequest& request) {
    Cut(request.values, request.columns.size(), request.rows);
  }
  // `values`: those of each row, so many columns, one behind the other.
  void Cut(absl::Span<const sql::ValueView> values, std::size_t columns,
           std::size_t rows);

  std::size_t size() const { return ends_.size(); }
  std::size_t begin(std::size_t page) const {
    return page == 0 ? 0 : ends_[page - 1];
  }
  std::size_t end(std::size_t page) const { return ends_[page]; }
  std::size_t rows(std::size_t page) const { return end(page) - begin(page); }
  // Says in front of an error which rows it is about, where there is doubt.
  absl::Status Explain(std::size_t page, const absl::Status& error) const;

 private:
  std::vector<std::size_t> ends_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_INSERT_PAGES_H_
