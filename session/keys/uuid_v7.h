// UUIDs that sort by the time they were made at.
#ifndef SHARD_SESSION_KEYS_UUID_V7_H_
#define SHARD_SESSION_KEYS_UUID_V7_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/session/keys/key_generator.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {

// UUIDs of version 7, as RFC 9562 has them:
//
//   48 bits  milliseconds since 1970
//    4       version 7
//   18       a counter: rand_a, and the first 6 bits of rand_b (section 6.2,
//            method 1), which begins each millisecond at a random number below
//            2^17; between its two parts stand the 2 bits of the variant
//   56       random, of the operating system, for each UUID anew
//
// Each is greater than all that the generator gave before, also when the clock
// steps back: the time then stands still, and the counter goes on, into the
// next milliseconds if it has to. Two processes, or a process and its fork, can
// only meet by chance, with 1 : 2^73 within one millisecond.
//
// Asks no database and holds no lock. Thread-safe.
class UuidV7 final : public KeyGenerator {
 public:
  using Clock = std::function<absl::Time()>;
  // `clock`: for tests; null: the system's.
  explicit UuidV7(Clock clock = nullptr);

  // kUnavailable: the operating system has no random bytes. kOutOfRange: the
  // clock is not between 1970 and the year 4199.
  absl::StatusOr<Uuid> NextUuid();
  absl::Status Take(std::size_t count, std::vector<sql::ValueView>* keys,
                    sql::ByteArena& arena) override;

 private:
  // Milliseconds and counter of so many UUIDs, as one number.
  absl::StatusOr<std::uint64_t> Advance(std::size_t count);

  const Clock clock_;
  std::atomic<std::uint64_t> latest_ = 0;  // that was given
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_UUID_V7_H_
