// Custom partitioning: rules of one's own, the first that fits counts.
#ifndef SHARD_ROUTER_RULE_RESOLVER_H_
#define SHARD_ROUTER_RULE_RESOLVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/bind_target.h"
#include "shard/router/condition.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

// Each rule leads to an engine or to a further resolver, which may have rules
// again:
//
//   auto rules = std::make_shared<RuleResolver>();
//   rules->When(ClassIs<Invoice>(), invoices)
//       .When(Writes(), primary)
//       .Otherwise(replicas);
//
// Here reads that follow a write in the same transaction go to the replicas,
// which do not show it yet. Where that must not be, add
// When(HasWrittenTo(primary), primary), or let all that is left go to a
// ReplicaSet that knows its primary.
//
// Set it up before it is used; from then on it is thread-safe. Conditions that
// look at a statement's tables or at arguments are tested at each request: put
// those that fit most often first.
class RuleResolver : public BindResolver {
 public:
  struct Rule {
    std::string name;
    Condition condition;
    BindTarget target;
  };

  // To an engine or another resolver. `name` in errors and explanations; empty:
  // the condition's words.
  RuleResolver& When(Condition condition, BindTarget target,
                     std::string_view name = "");
  // For all that no rule before it fits: "otherwise".
  RuleResolver& Otherwise(BindTarget target);

  // The rule that counts for the request; null when none fits.
  const Rule* Find(const BindRequest& request) const;
  const std::vector<Rule>& rules() const { return rules_; }

  // kFailedPrecondition, saying what was asked, when no rule fits;
  // kInvalidArgument when the rule leads to a null pointer. Else what the
  // rule's target answers.
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override;
  absl::StatusOr<Route> Explain(const BindRequest& request) override;
  std::optional<sql::Statement> StatementFor(const BindRequest& request,
                                             const Bind& bind) override;
  std::optional<std::int64_t> MostRows(const BindRequest& request) override;
  std::vector<ShardId> Shards() const override;
  bool Reaches(const Engine& engine) const override;
  ShardId ShardOf(const Engine& engine) const override;
  bool WritesEverywhere(const BindRequest& request) const override;
  bool Forget(const BindRequest& request) override;
  // By the rule that a flush of the class, or of the table's, follows.
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override;
  std::vector<CoLocatedRows> CoLocatedWith(
      const sql::Table& table) const override;

 private:
  absl::StatusOr<const BindTarget*> TargetFor(const BindRequest& request) const;
  // Where a flush of the class goes; null: nowhere.
  const BindTarget* TargetOf(const sql::ClassInfo* class_info) const;

  std::vector<Rule> rules_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_RULE_RESOLVER_H_
