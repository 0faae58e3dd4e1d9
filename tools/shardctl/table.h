// A table of aligned columns.
#ifndef SHARD_TOOLS_SHARDCTL_TABLE_H_
#define SHARD_TOOLS_SHARDCTL_TABLE_H_

#include <ostream>
#include <string>
#include <vector>

#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {

// Plain value. Nothing pads the last column, so that what is long stands there
// best: where it does not fit the terminal breaks it, and the others still
// align.
class Table {
 public:
  struct Cell {
    Cell(std::string text, Color color = Color::kPlain)  // NOLINT
        : text(std::move(text)), color(color) {}
    std::string text;
    Color color;
  };

  // Empty headings: none are shown.
  explicit Table(std::vector<std::string> headings);
  // As many cells as there are columns. An empty text shows as "-".
  void Add(std::vector<Cell> cells);
  // A line below the last row, from its last column on.
  void AddNote(std::string text);
  void Print(std::ostream& out, bool colors) const;

 private:
  struct Row {
    std::vector<Cell> cells;
    bool is_note = false;
  };
  std::vector<Row> rows_;
};

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_TABLE_H_
