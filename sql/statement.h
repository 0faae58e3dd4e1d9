// A statement of any kind, ready to be run many times.
#ifndef SHARD_SQL_STATEMENT_H_
#define SHARD_SQL_STATEMENT_H_

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/sql/class_info.h"
#include "shard/sql/dml.h"
#include "shard/sql/select.h"
#include "shard/sql/value.h"

namespace shard::sql {

// SQL as the caller wrote it, with ":name" parameters.
struct TextStatement {
  std::string text;
};

// Values for the ":name" parameters of one run.
class Parameters {
 public:
  Parameters() = default;
  Parameters(std::initializer_list<std::pair<std::string, Value>> values)
      : values_(values) {}
  void Add(std::string_view name, Value value) {
    values_.emplace_back(name, std::move(value));
  }
  // Null when there is none of that name.
  const Value* Find(std::string_view name) const;
  const std::vector<std::pair<std::string, Value>>& values() const {
    return values_;
  }

 private:
  std::vector<std::pair<std::string, Value>> values_;
};

// What dialects and routers remember of a statement that they have read, so
// that a statement kept by its user is compiled once. Thread-safe.
class CompileCache {
 public:
  // Null when `owner` has stored nothing. Owners are told apart by address
  // alone: one that may be destroyed must know by what it finds whether it was
  // stored by itself or by another that was there before.
  std::shared_ptr<const void> Find(const void* owner) const;
  void Store(const void* owner, std::shared_ptr<const void> compiled) const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<const void*, std::shared_ptr<const void>>>
      entries_;
};

// An immutable statement and the class it is about. Copies share one body, and
// with it what was compiled. Safe to run from several threads at once.
class Statement {
 public:
  using Body = std::variant<SelectStatement, InsertStatement, UpdateStatement,
                            DeleteStatement, TextStatement>;

  // With the mapped class that the statement is about; routers use it. Null is
  // fine for statements over tables without a class.
  Statement(SelectStatement body, const ClassInfo* = nullptr);  // NOLINT
  Statement(InsertStatement body, const ClassInfo* = nullptr);  // NOLINT
  Statement(UpdateStatement body, const ClassInfo* = nullptr);  // NOLINT
  Statement(DeleteStatement body, const ClassInfo* = nullptr);  // NOLINT
  Statement(TextStatement body, const ClassInfo* = nullptr);    // NOLINT

  const Body& body() const { return shared_->body; }
  const ClassInfo* class_info() const { return shared_->class_info; }
  template <class T>
  const T* As() const {
    return std::get_if<T>(&shared_->body);
  }
  bool is_select() const { return As<SelectStatement>() != nullptr; }
  const CompileCache& compile_cache() const { return shared_->cache; }

 private:
  struct Shared {
    Shared(Body b, const ClassInfo* c);
    Body body;
    const ClassInfo* class_info;
    CompileCache cache;
  };
  std::shared_ptr<const Shared> shared_;
};

// Raw SQL with ":name" parameters, each written as often as wanted; the values
// are given when it runs. Text in quotes, comments and "::" casts is left
// alone.
Statement TextSql(std::string_view text);

}  // namespace shard::sql

#endif  // SHARD_SQL_STATEMENT_H_
