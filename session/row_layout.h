// Which field of a mapped class stands in which cell of a row.
#ifndef SHARD_SESSION_ROW_LAYOUT_H_
#define SHARD_SESSION_ROW_LAYOUT_H_

#include <cstdint>
#include <vector>

namespace shard {

// Found once for a statement, used for each of its rows. Plain value.
struct RowLayout {
  std::vector<std::uint16_t> fields;     // by cell
  std::vector<std::uint16_t> key_cells;  // by part of the primary key
  std::uint64_t missing = 0;             // fields in no cell: field i in bit i
};

}  // namespace shard

#endif  // SHARD_SESSION_ROW_LAYOUT_H_
