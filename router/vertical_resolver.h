// Vertical partitioning: each class in the database it is bound to.
#ifndef SHARD_ROUTER_VERTICAL_RESOLVER_H_
#define SHARD_ROUTER_VERTICAL_RESOLVER_H_

#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

// Binds classes, each with its table, to engines or to further resolvers (a
// horizontal one, for instance). A class without a bind goes where its nearest
// bound base class goes, then to the default.
//
//   VerticalResolver resolver;
//   resolver.BindClass(User::class_info(), users_engine)
//           .BindClass(Account::class_info(), accounts_engine);
//
// Set it up before it is used; from then on it is thread-safe.
class VerticalResolver : public BindResolver {
 public:
  VerticalResolver& BindClass(const sql::ClassInfo& class_info,
                              std::shared_ptr<Engine> engine);
  VerticalResolver& BindClass(const sql::ClassInfo& class_info,
                              std::shared_ptr<BindResolver> resolver);
  // For all that is not bound.
  VerticalResolver& BindDefault(std::shared_ptr<Engine> engine);
  VerticalResolver& BindDefault(std::shared_ptr<BindResolver> resolver);

  // kFailedPrecondition, naming the class or table, when nothing is bound;
  // kInvalidArgument, naming both tables, for a statement that would need two
  // binds at once.
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override;
  ShardId ShardOf(const Engine& engine) const override;
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override;
  bool Forget(const BindRequest& request) override;

 private:
  // The one resolver of an engine: classes with the same one are together.
  std::shared_ptr<BindResolver> ResolverOf(std::shared_ptr<Engine> engine);
  absl::StatusOr<BindResolver*> Find(const BindRequest& request) const;
  BindResolver* FindForClass(const sql::ClassInfo& class_info) const;
  BindResolver* FindForTable(const sql::Table& table) const;
  // One resolver for all the tables, or an error.
  absl::StatusOr<BindResolver*> FindForTables(
      const std::vector<const sql::Table*>& tables) const;

  absl::flat_hash_map<const Engine*, std::shared_ptr<BindResolver>> by_engine_;
  absl::flat_hash_map<const sql::ClassInfo*, std::shared_ptr<BindResolver>>
      by_class_;
  absl::flat_hash_map<const sql::Table*, BindResolver*> by_table_;
  std::shared_ptr<BindResolver> default_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_VERTICAL_RESOLVER_H_
