#include "shard/tools/shardctl/table.h"

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace shard::shardctl {

Table::Table(std::vector<std::string> headings) {
  if (headings.empty()) return;
  Row row;
  for (std::string& heading : headings) {
    row.cells.emplace_back(std::move(heading), Color::kBold);
  }
  rows_.push_back(std::move(row));
}

void Table::Add(std::vector<Cell> cells) {
  for (Cell& cell : cells) {
    cell.text = cell.text.empty() ? "-" : OneLine(cell.text);
  }
  rows_.push_back({std::move(cells)});
}

void Table::AddNote(std::string text) {
  rows_.push_back({{Cell(OneLine(text), Color::kDim)}, true});
}

void Table::Print(std::ostream& out, bool colors) const {
  constexpr std::size_t kGap = 2;
  std::vector<std::size_t> widths;
  for (const Row& row : rows_) {
    if (row.is_note) continue;
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row.cells[i].text));
    }
  }
  std::size_t last_column = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    last_column += widths[i] + kGap;
  }
  for (const Row& row : rows_) {
    if (row.is_note) out << std::string(last_column, ' ');
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      out << Paint(cell.text, cell.color, colors);
      if (i + 1 == row.cells.size()) break;
      out << std::string(widths[i] - Width(cell.text) + kGap, ' ');
    }
    out << "\n";
  }
}

}  // namespace shard::shardctl
