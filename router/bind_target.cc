#include "shard/router/bind_target.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "shard/router/engine_resolver.h"

namespace shard {

BindTarget::BindTarget(std::shared_ptr<Engine> engine,
                       std::shared_ptr<BindResolver> resolver)
    : engine_(std::move(engine)), resolver_(std::move(resolver)) {
  if (engine_ != nullptr) resolver_ = std::make_shared<EngineResolver>(engine_);
}

std::string BindTarget::DebugString() const {
  return engine_ != nullptr ? absl::StrCat("'", engine_->name(), "'")
                            : "a resolver of its own";
}

}  // namespace shard
