#include "shard/sql/statement.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace shard::sql {

const Value* Parameters::Find(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::shared_ptr<const void> CompileCache::Find(const void* owner) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, compiled] : entries_) {
    if (key == owner) return compiled;
  }
  return nullptr;
}

void CompileCache::Store(const void* owner,
                         std::shared_ptr<const void> compiled) const {
  const std::lock_guard lock(mutex_);
  for (auto& [key, old] : entries_) {
    if (key == owner) {
      old = std::move(compiled);
      return;
    }
  }
  entries_.emplace_back(owner, std::move(compiled));
}

// Here and not in the header, since what a std::variant of them needs takes the
// compiler long in every file that makes statements.
Statement::Shared::Shared(Body b, const ClassInfo* c)
    : body(std::move(b)), class_info(c) {}
Statement::Statement(SelectStatement body, const ClassInfo* class_info)
    : shared_(std::make_shared<Shared>(std::move(body), class_info)) {}
Statement::Statement(InsertStatement body, const ClassInfo* class_info)
    : shared_(std::make_shared<Shared>(std::move(body), class_info)) {}
Statement::Statement(UpdateStatement body, const ClassInfo* class_info)
    : shared_(std::make_shared<Shared>(std::move(body), class_info)) {}
Statement::Statement(DeleteStatement body, const ClassInfo* class_info)
    : shared_(std::make_shared<Shared>(std::move(body), class_info)) {}
Statement::Statement(TextStatement body, const ClassInfo* class_info)
    : shared_(std::make_shared<Shared>(std::move(body), class_info)) {}

Statement TextSql(std::string_view text) {
  return Statement(TextStatement{std::string(text)});
}

}  // namespace shard::sql
