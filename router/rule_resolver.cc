#include "shard/router/rule_resolver.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/engine_resolver.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

std::string_view VerbOf(const BindRequest& request) {
  switch (request.operation) {
    case Operation::kFlush:
      return "a flush";
    case Operation::kBulk:
      return "a bulk operation";
    case Operation::kRead:
      return "a read";
    case Operation::kRefresh:
      return "a refresh";
    case Operation::kExecute:
      break;
  }
  return request.statement == nullptr ? "a connection" : "a statement";
}

// "a read of class Page, table 'pages'".
std::string Describe(const BindRequest& request) {
  std::string what(VerbOf(request));
  std::string of;
  if (request.class_info != nullptr) {
    of = absl::StrCat(" class ", request.class_info->name);
  }
  if (request.statement != nullptr) {
    for (const sql::Table* table : TablesOf(*request.statement)) {
      absl::StrAppend(&of, of.empty() ? " table '" : ", table '", table->name(),
                      "'");
    }
  }
  absl::StrAppend(&what, of.empty() ? ", about no class or table" : " of", of);
  if (request.shard.has_value() && !request.shard->is_none()) {
    absl::StrAppend(&what, ", on shard '", request.shard->name(), "'");
  }
  return what;
}

Condition Always() {
  return {"otherwise", [](const BindRequest&) { return true; }};
}

}  // namespace

RuleResolver& RuleResolver::When(Condition condition,
                                 std::shared_ptr<Engine> target,
                                 std::string_view name) {
  return When(std::move(condition),
              std::make_shared<EngineResolver>(std::move(target)), name);
}

RuleResolver& RuleResolver::When(Condition condition,
                                 std::shared_ptr<BindResolver> target,
                                 std::string_view name) {
  std::string shown = name.empty() ? condition.words() : std::string(name);
  rules_.push_back({std::move(shown), std::move(condition), std::move(target)});
  return *this;
}

RuleResolver& RuleResolver::Otherwise(std::shared_ptr<Engine> target) {
  return When(Always(), std::move(target));
}

RuleResolver& RuleResolver::Otherwise(std::shared_ptr<BindResolver> target) {
  return When(Always(), std::move(target));
}

const RuleResolver::Rule* RuleResolver::Find(const BindRequest& request) const {
  for (const Rule& rule : rules_) {
    if (rule.condition(request)) return &rule;
  }
  return nullptr;
}

absl::StatusOr<BindResolver*> RuleResolver::TargetFor(
    const BindRequest& request) const {
  if (const Rule* rule = Find(request)) return rule->target.get();
  return absl::FailedPreconditionError(
      absl::StrCat("no rule fits ", Describe(request),
                   "; add one with When, or the last one with Otherwise"));
}

absl::StatusOr<Bind> RuleResolver::Resolve(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(BindResolver * target, TargetFor(request));
  return target->Resolve(request);
}

absl::StatusOr<BindSet> RuleResolver::ResolveAll(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(BindResolver * target, TargetFor(request));
  return target->ResolveAll(request);
}

ShardId RuleResolver::ShardOf(const Engine& engine) const {
  for (const Rule& rule : rules_) {
    const ShardId shard = rule.target->ShardOf(engine);
    if (!shard.is_none()) return shard;
  }
  return ShardId();
}

std::vector<const sql::Column*> RuleResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  const Rule* rule =
      Find({.class_info = &class_info, .operation = Operation::kFlush});
  return rule == nullptr ? std::vector<const sql::Column*>()
                         : rule->target->ShardKey(class_info);
}

}  // namespace shard
