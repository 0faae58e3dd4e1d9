#include "shard/router/vertical_config.h"

#include <memory>

#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {

void BindTo(VerticalResolver& resolver, const sql::ClassInfo& class_info,
            const RouterPlace& place) {
  if (place.engine != nullptr) {
    resolver.BindClass(class_info, place.engine);
  } else {
    resolver.BindClass(class_info, place.resolver);
  }
}

void BindDefaultTo(VerticalResolver& resolver, const RouterPlace& place) {
  if (place.engine != nullptr) {
    resolver.BindDefault(place.engine);
  } else {
    resolver.BindDefault(place.resolver);
  }
}

absl::StatusOr<std::shared_ptr<BindResolver>> MakeVerticalRouter(
    const RouterConfig& config, RouterContext& context) {
  SHARD_RETURN_IF_ERROR(
      config.source.CheckMembers({"type", "binds", "default"}));
  const auto resolver = std::make_shared<VerticalResolver>();
  if (const ConfigNode* const binds = config.source.Find("binds")) {
    SHARD_ASSIGN_OR_RETURN(const auto* members, binds->AsObject());
    for (const ConfigNode& bind : *members) {
      SHARD_ASSIGN_OR_RETURN(const RouterPlace place, context.PlaceOf(bind));
      SHARD_ASSIGN_OR_RETURN(const sql::ClassInfo* class_info,
                             context.ClassOf(bind.name(), bind));
      if (class_info == nullptr) continue;
      BindTo(*resolver, *class_info, place);
      context.Claim(*class_info, bind);
    }
  }
  if (const ConfigNode* const otherwise = config.source.Find("default")) {
    SHARD_ASSIGN_OR_RETURN(const RouterPlace place,
                           context.PlaceOf(*otherwise));
    BindDefaultTo(*resolver, place);
  }
  return resolver;
}

}  // namespace shard
