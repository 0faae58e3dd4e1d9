// What makes an object the one it is: class, shard and primary key.
#ifndef SHARD_SESSION_IDENTITY_KEY_H_
#define SHARD_SESSION_IDENTITY_KEY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "shard/router/shard_id.h"
#include "shard/sql/value.h"

namespace shard {

class Mapping;

// The values of a primary key. One integer, the common case, is kept inline;
// anything else on the heap. Immutable.
class KeyValue {
 public:
  KeyValue() = default;
  KeyValue(const KeyValue& other);
  KeyValue(KeyValue&&) noexcept = default;
  KeyValue& operator=(const KeyValue& other) { return *this = KeyValue(other); }
  KeyValue& operator=(KeyValue&&) noexcept = default;
  explicit KeyValue(std::int64_t number) : number_(number) {}
  // Copies what the views point to.
  static KeyValue FromViews(absl::Span<const sql::ValueView> parts);

  // The values again; they live as long as this key.
  absl::InlinedVector<sql::ValueView, 2> Views() const;
  void AppendTo(std::vector<sql::ValueView>& values) const {
    if (parts_ == nullptr) {
      values.push_back(sql::ValueView::Int64(number_));
    } else {
      for (const sql::Value& part : *parts_) values.push_back(part.view());
    }
  }
  // For messages: "7" or "(<text>, 7)"; text is not shown.
  std::string DebugString() const;

  friend bool operator==(const KeyValue& a, const KeyValue& b) {
    if (a.parts_ == nullptr && b.parts_ == nullptr) {
      return a.number_ == b.number_;
    }
    return SlowEqual(a, b);
  }
  template <class H>
  friend H AbslHashValue(H h, const KeyValue& key) {
    return H::combine(std::move(h), key.number_);
  }

 private:
  static bool SlowEqual(const KeyValue& a, const KeyValue& b);

  std::int64_t number_ = 0;  // the integer, or a hash of the parts
  std::unique_ptr<const std::vector<sql::Value>> parts_;
};

// The same primary key on two shards is two objects: the shard is part of it.
// Only for looking up: the key is somebody else's.
struct IdentityKey {
  const Mapping* mapping;
  ShardId shard;
  const KeyValue& key;

  friend bool operator==(const IdentityKey& a, const IdentityKey& b) {
    return a.mapping == b.mapping && a.shard == b.shard && a.key == b.key;
  }
  template <class H>
  friend H AbslHashValue(H h, const IdentityKey& key) {
    return H::combine(std::move(h), key.mapping, key.shard, key.key);
  }
};

}  // namespace shard

#endif  // SHARD_SESSION_IDENTITY_KEY_H_
