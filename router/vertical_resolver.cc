#include "shard/router/vertical_resolver.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

class EngineResolver : public BindResolver {
 public:
  explicit EngineResolver(std::shared_ptr<Engine> engine)
      : engine_(std::move(engine)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    if (request.shard.has_value() && !request.shard->is_none()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there is no shard '", request.shard->name(), "' here: '",
          engine_->name(), "' is bound as a single database"));
    }
    return Bind{engine_.get(), ShardId()};
  }

 private:
  std::shared_ptr<Engine> engine_;
};

absl::Status Unbound(const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what,
                   " is not bound to a database; bind it or a "
                   "default"));
}

}  // namespace

VerticalResolver& VerticalResolver::BindClass(const sql::ClassInfo& class_info,
                                              std::shared_ptr<Engine> engine) {
  return BindClass(class_info, ResolverOf(std::move(engine)));
}

VerticalResolver& VerticalResolver::BindClass(
    const sql::ClassInfo& class_info, std::shared_ptr<BindResolver> resolver) {
  by_table_[class_info.table] = resolver.get();
  by_class_[&class_info] = std::move(resolver);
  return *this;
}

VerticalResolver& VerticalResolver::BindDefault(
    std::shared_ptr<Engine> engine) {
  return BindDefault(ResolverOf(std::move(engine)));
}

std::shared_ptr<BindResolver> VerticalResolver::ResolverOf(
    std::shared_ptr<Engine> engine) {
  std::shared_ptr<BindResolver>& resolver = by_engine_[engine.get()];
  if (resolver == nullptr) {
    resolver = std::make_shared<EngineResolver>(std::move(engine));
  }
  return resolver;
}

VerticalResolver& VerticalResolver::BindDefault(
    std::shared_ptr<BindResolver> resolver) {
  default_ = std::move(resolver);
  return *this;
}

BindResolver* VerticalResolver::FindForClass(
    const sql::ClassInfo& class_info) const {
  if (const auto found = by_class_.find(&class_info);
      found != by_class_.end()) {
    return found->second.get();
  }
  for (const sql::ClassInfo* base : class_info.bases) {
    if (BindResolver* resolver = FindForClass(*base)) return resolver;
  }
  return nullptr;
}

BindResolver* VerticalResolver::FindForTable(const sql::Table& table) const {
  const auto found = by_table_.find(&table);
  return found != by_table_.end() ? found->second : default_.get();
}

absl::StatusOr<BindResolver*> VerticalResolver::FindForTables(
    const std::vector<const sql::Table*>& tables) const {
  BindResolver* one = nullptr;
  for (const sql::Table* table : tables) {
    BindResolver* resolver = FindForTable(*table);
    if (resolver == nullptr) {
      return Unbound(absl::StrCat("table '", table->name(), "'"));
    }
    if (one != nullptr && one != resolver) {
      return absl::InvalidArgumentError(
          absl::StrCat("the statement needs '", tables.front()->name(),
                       "' and '", table->name(),
                       "', which are bound to different databases; split it "
                       "into one statement for each"));
    }
    one = resolver;
  }
  return one;
}

absl::StatusOr<BindResolver*> VerticalResolver::Find(
    const BindRequest& request) const {
  if (request.statement != nullptr) {
    std::vector<const sql::Table*> tables = TablesOf(*request.statement);
    // A class says more than its table: it may be bound through its bases.
    BindResolver* by_class = request.class_info != nullptr
                                 ? FindForClass(*request.class_info)
                                 : nullptr;
    if (by_class != nullptr) std::erase(tables, request.class_info->table);
    SHARD_ASSIGN_OR_RETURN(BindResolver * by_tables, FindForTables(tables));
    if (by_class != nullptr && by_tables != nullptr && by_class != by_tables) {
      return absl::InvalidArgumentError(
          absl::StrCat("the statement needs class ", request.class_info->name,
                       " and table '", tables.front()->name(),
                       "', which are bound to different databases; "
                       "split it into one statement for each"));
    }
    if (by_class != nullptr) return by_class;
    if (by_tables != nullptr) return by_tables;
  } else if (request.class_info != nullptr) {
    if (BindResolver* resolver = FindForClass(*request.class_info)) {
      return resolver;
    }
  }
  if (default_ != nullptr) return default_.get();
  if (request.class_info != nullptr) {
    return Unbound(absl::StrCat("class ", request.class_info->name));
  }
  return absl::FailedPreconditionError(
      "a statement that names no class or table is not bound to a database; "
      "say which class, shard or engine it is for, or bind a default");
}

absl::StatusOr<Bind> VerticalResolver::Resolve(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(BindResolver * resolver, Find(request));
  return resolver->Resolve(request);
}

absl::StatusOr<BindSet> VerticalResolver::ResolveAll(
    const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(BindResolver * resolver, Find(request));
  return resolver->ResolveAll(request);
}

bool VerticalResolver::Forget(const BindRequest& request) {
  const absl::StatusOr<BindResolver*> resolver = Find(request);
  return resolver.ok() && (*resolver)->Forget(request);
}

ShardId VerticalResolver::ShardOf(const Engine& engine) const {
  for (const auto& [class_info, resolver] : by_class_) {
    const ShardId shard = resolver->ShardOf(engine);
    if (!shard.is_none()) return shard;
  }
  return default_ == nullptr ? ShardId() : default_->ShardOf(engine);
}

std::vector<const sql::Column*> VerticalResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  BindResolver* resolver = FindForClass(class_info);
  if (resolver == nullptr) resolver = default_.get();
  return resolver == nullptr ? std::vector<const sql::Column*>()
                             : resolver->ShardKey(class_info);
}

}  // namespace shard
