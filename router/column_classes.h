// Columns that a statement makes equal.
#ifndef SHARD_ROUTER_COLUMN_CLASSES_H_
#define SHARD_ROUTER_COLUMN_CLASSES_H_

#include <string>
#include <vector>

#include "shard/sql/column.h"
#include "shard/sql/expression.h"

namespace shard {

// A column of one table of a statement; `alias` as in sql::ColumnNode.
struct ColumnRef {
  const sql::Column* column = nullptr;
  std::string alias;

  friend bool operator==(const ColumnRef&, const ColumnRef&) = default;
};

// The terms of a condition that is an AND, or the one that it is. None for an
// empty one.
std::vector<sql::Expression> TermsOfAnd(const sql::Expression& condition);

// Classes of columns that are equal in every row that meets the conditions.
// Plain value.
class ColumnClasses {
 public:
  // Takes in the terms "a.x = b.y" of a condition. Columns of types that only a
  // database finds equal (text and a number) stay apart: they are so by values
  // that have different shards.
  void Add(const sql::Expression& condition);

  // The class of the column, itself first; alone where nothing equals it.
  std::vector<ColumnRef> Of(const ColumnRef& column) const;
  bool AreEqual(const ColumnRef& a, const ColumnRef& b) const;

 private:
  std::vector<ColumnRef>& ClassOf(const ColumnRef& column);

  std::vector<std::vector<ColumnRef>> classes_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_COLUMN_CLASSES_H_
