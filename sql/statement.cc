#include "shard/sql/statement.h"

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace shard::sql {

const Value* Parameters::Find(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::shared_ptr<const void> CompileCache::Find(const void* dialect) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, compiled] : entries_) {
    if (key == dialect) return compiled;
  }
  return nullptr;
}

void CompileCache::Store(const void* dialect,
                         std::shared_ptr<const void> compiled) const {
  const std::lock_guard lock(mutex_);
  for (auto& [key, old] : entries_) {
    if (key == dialect) {
      old = std::move(compiled);
      return;
    }
  }
  entries_.emplace_back(dialect, std::move(compiled));
}

}  // namespace shard::sql
