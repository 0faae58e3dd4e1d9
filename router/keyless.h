// What becomes of statements that do not tell by the shard key where to look.
#ifndef SHARD_ROUTER_KEYLESS_H_
#define SHARD_ROUTER_KEYLESS_H_

#include <cstdint>
#include <optional>

namespace shard {

// Reads that would visit all shards: KeylessReads::Allow(), Deny(), or
// UpTo(1000), which lets them fetch so many rows from all shards together.
// Plain value.
class KeylessReads {
 public:
  static KeylessReads Allow() { return KeylessReads(true, std::nullopt); }
  static KeylessReads Deny() { return KeylessReads(false, std::nullopt); }
  // Negative: none.
  static KeylessReads UpTo(std::int64_t rows) {
    return KeylessReads(true, rows < 0 ? 0 : rows);
  }

  bool allowed() const { return allowed_; }
  std::optional<std::int64_t> most_rows() const { return most_rows_; }

 private:
  KeylessReads(bool allowed, std::optional<std::int64_t> most_rows)
      : allowed_(allowed), most_rows_(most_rows) {}
  bool allowed_;
  std::optional<std::int64_t> most_rows_;
};

// An UPDATE or DELETE that would run on all shards. (An INSERT never does.)
enum class KeylessWrites : std::uint8_t { kDeny, kAllow };

}  // namespace shard

#endif  // SHARD_ROUTER_KEYLESS_H_
