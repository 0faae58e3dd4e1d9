// What can be bound: an engine, or a resolver to ask further.
#ifndef SHARD_ROUTER_BIND_TARGET_H_
#define SHARD_ROUTER_BIND_TARGET_H_

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"

namespace shard {

// A plain value that keeps alive what it leads to. Two are equal when they lead
// to the same engine or resolver: what is bound to equal targets is together.
// Thread-safe for reading.
class BindTarget {
 public:
  BindTarget() = default;  // leads nowhere
  template <std::derived_from<Engine> E>
  BindTarget(std::shared_ptr<E> engine)  // NOLINT: an engine is a target
      : BindTarget(std::move(engine), nullptr) {}
  template <std::derived_from<BindResolver> R>
  BindTarget(std::shared_ptr<R> resolver)  // NOLINT: and so is a resolver
      : BindTarget(nullptr, std::move(resolver)) {}

  bool empty() const { return resolver_ == nullptr; }
  // Of an engine one that always answers with it. It must not be empty.
  BindResolver* operator->() const { return resolver_.get(); }
  // For messages: "'people'", or "a resolver of its own".
  std::string DebugString() const;

  friend bool operator==(const BindTarget& a, const BindTarget& b) {
    return a.engine_ != nullptr ? a.engine_ == b.engine_
                                : a.resolver_ == b.resolver_;
  }

 private:
  BindTarget(std::shared_ptr<Engine> engine,
             std::shared_ptr<BindResolver> resolver);

  std::shared_ptr<Engine> engine_;  // null where a resolver was given
  std::shared_ptr<BindResolver> resolver_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_BIND_TARGET_H_
