// Vertical partitioning: each class in the database it is bound to.
#ifndef SHARD_ROUTER_VERTICAL_RESOLVER_H_
#define SHARD_ROUTER_VERTICAL_RESOLVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/bind_target.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

// Binds classes, tables and metadata to engines or to further resolvers (a
// horizontal one, for instance).
//
//   VerticalResolver resolver;
//   resolver.BindClass<User>(users_engine)
//           .BindClass<Audited>(audit_engine)     // a mixin, and what has it
//           .BindTable(prices, sales_engine)
//           .BindDefault(main_engine);
//
// Work about a class goes where the first of these is bound:
//   1. the class; its bases, the nearest first (see Bases<> and MroOf)
//   2. its table; in joined inheritance that of the class at the root
//   3. the default; last of all the metadata that has the table
// A statement that says no class goes by its tables, each by its own bind, by
// the class that is mapped to it, by the default, by the metadata. All tables
// that a statement names must lead to one place, subqueries included: one that
// would need two is refused. Only if the caller says a class of which the
// statement names no table, and that class or a base of it is bound, then the
// tables are not looked at.
//
// Binding a class binds its tables, too, for statements that say no class, save
// where they are bound themselves. So a table that is bound elsewhere than its
// class has objects in one place, and plain statements in the other.
//
// Set it up before it is used; from then on it is thread-safe.
class VerticalResolver : public BindResolver {
 public:
  // In all of these the latest bind of the same thing counts. Null pointers are
  // remembered, and all work is refused then: kInvalidArgument, naming what was
  // bound to nothing. What cannot be bound does not compile.

  // A mapped class, or any that mapped classes name as a base.
  template <sql::NamedClass C>
  VerticalResolver& BindClass(BindTarget target) {
    return BindClass(sql::ClassInfoOf<C>(), std::move(target));
  }
  VerticalResolver& BindClass(const sql::ClassInfo& class_info,
                              BindTarget target);
  VerticalResolver& BindTable(const sql::Table& table, BindTarget target);
  // The tables that it has by now. Comes after the default.
  VerticalResolver& BindMetaData(const sql::MetaData& metadata,
                                 const BindTarget& target);
  // For all that is not bound.
  VerticalResolver& BindDefault(BindTarget target);

  // kFailedPrecondition, naming class and table, when nothing is bound;
  // kInvalidArgument, naming both tables and places, for a statement that would
  // need two at once. (And those of what they lead to.)
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
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override;
  bool Forget(const BindRequest& request) override;
  std::vector<CoLocatedRows> CoLocatedWith(
      const sql::Table& table) const override;

 private:
  template <class Key>
  using Binds = absl::flat_hash_map<const Key*, BindTarget>;

  // All targets; one that is bound often comes often.
  std::vector<const BindTarget*> Targets() const;
  void Note(const BindTarget& target, const std::string& what);
  absl::StatusOr<const BindTarget*> Find(const BindRequest& request) const;
  // The rest are null when nothing is bound. By the class and its bases alone.
  const BindTarget* FindInMro(const sql::ClassInfo& class_info) const;
  const BindTarget* FindForClass(const sql::ClassInfo& class_info) const;
  // By binds of the table and of classes with it.
  const BindTarget* FindBound(const sql::Table& table) const;
  const BindTarget* FindForTable(const sql::Table& table,
                                 bool class_first) const;
  const BindTarget* FindDefault(const sql::Table* table) const;
  // One for all the tables and, if there is one, the class.
  absl::StatusOr<const BindTarget*> FindForTables(
      const std::vector<const sql::Table*>& tables,
      const sql::ClassInfo* class_info) const;

  Binds<sql::ClassInfo> classes_;
  Binds<sql::Table> tables_;
  Binds<sql::Table> tables_of_classes_;
  Binds<sql::Table> tables_of_subclasses_;  // joined ones, which share them
  Binds<sql::Table> metadata_;
  BindTarget default_;
  absl::Status status_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_VERTICAL_RESOLVER_H_
