#include "shard/sql/typed_select.h"

#include <utility>

namespace shard::sql::internal {

SelectBase::SelectBase(SelectStatement statement, const ClassInfo* class_info)
    : statement_(std::move(statement)), class_info_(class_info) {}
SelectBase::SelectBase(const SelectBase&) = default;
SelectBase::SelectBase(SelectBase&&) noexcept = default;
SelectBase& SelectBase::operator=(const SelectBase&) = default;
SelectBase& SelectBase::operator=(SelectBase&&) noexcept = default;
SelectBase::~SelectBase() = default;

SelectBase::operator Statement() const {
  return Statement(statement_, class_info_);
}

void SelectBase::AddJoin(JoinKind kind, const Table& table, Expression on) {
  // JOIN needs a left side: the table that the columns come from.
  if (statement_.from.table == nullptr) {
    const auto tables = statement_.Tables();
    if (!tables.empty()) statement_.From(tables.front());
  }
  statement_.Join(table, std::move(on), kind);
}

}  // namespace shard::sql::internal
