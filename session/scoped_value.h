// A value for a while.
#ifndef SHARD_SESSION_SCOPED_VALUE_H_
#define SHARD_SESSION_SCOPED_VALUE_H_

#include <utility>

namespace shard {

// Gives `*place` a value, and puts the former one back when it ends, however
// the scope is left.
template <class T>
class ScopedValue {
 public:
  ScopedValue(T* place, T value)
      : place_(place), former_(std::exchange(*place, std::move(value))) {}
  ~ScopedValue() { *place_ = std::move(former_); }
  ScopedValue(const ScopedValue&) = delete;
  ScopedValue& operator=(const ScopedValue&) = delete;

 private:
  T* const place_;
  T former_;
};

}  // namespace shard

#endif  // SHARD_SESSION_SCOPED_VALUE_H_
