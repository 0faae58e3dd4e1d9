// Conditions of rules, to be put together.
#ifndef SHARD_ROUTER_CONDITION_H_
#define SHARD_ROUTER_CONDITION_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shard/dialects/engine.h"
#include "shard/router/bind_request.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"

namespace shard {

// A question about a piece of work, and the words for it. Copies share the
// question, which must be thread-safe.
class Condition {
 public:
  using Test = std::function<bool(const BindRequest&)>;
  // Any function; `words` end a sentence: "reads at night".
  Condition(std::string words, Test test)
      : words_(std::move(words)), test_(std::move(test)) {}

  bool operator()(const BindRequest& request) const { return test_(request); }
  const std::string& words() const { return words_; }

 private:
  std::string words_;
  Test test_;
};

// What may write, and what is known to do no more than read: see MayWrite.
Condition Writes();
Condition Reads();

// The class in question is this one, a mapped one or a mixin, or has it among
// its bases, however far. What is said about no class, as text without BindTo,
// is under none.
Condition ClassIs(const sql::ClassInfo& class_info);
template <sql::NamedClass C>
Condition ClassIs() {
  return ClassIs(sql::ClassInfoOf<C>());
}

// The statement touches the table, also in a subquery or a join; without a
// statement: the class lives there.
Condition ForTable(const sql::Table& table);
template <class E>
Condition ForTable() {
  return ForTable(E::table());
}

// The caller said BindWith(name, value).
Condition ArgumentIs(std::string_view name, sql::Value value);
Condition HasArgument(std::string_view name);

// The session has written to that engine, in the running transaction or in one
// that it has committed. The condition keeps the engine alive.
Condition HasWrittenTo(std::shared_ptr<Engine> engine);

Condition AllOf(std::vector<Condition> conditions);
Condition AnyOf(std::vector<Condition> conditions);
Condition Not(Condition condition);

}  // namespace shard

#endif  // SHARD_ROUTER_CONDITION_H_
