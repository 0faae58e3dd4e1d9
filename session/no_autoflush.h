// Statements without a flush before them, for a while.
#ifndef SHARD_SESSION_NO_AUTOFLUSH_H_
#define SHARD_SESSION_NO_AUTOFLUSH_H_

#include <cstddef>

namespace shard {

// As long as one lives, its session does not flush before statements; an
// explicit Flush, and Commit, do. Scopes nest; each ends by itself, also when
// the block is left early or by an exception.
//
//   const shard::NoAutoflush scope = session.NoAutoflush();
//   // half-made objects may stay pending while others are looked up
//
// Belongs to the thread of its session, which must outlive it.
class [[nodiscard]] NoAutoflush {
 public:
  // `open`: how many scopes the session has.
  explicit NoAutoflush(std::size_t* open) : open_(open) { ++*open_; }
  NoAutoflush(const NoAutoflush&) = delete;
  NoAutoflush& operator=(const NoAutoflush&) = delete;
  ~NoAutoflush() { --*open_; }

 private:
  std::size_t* open_;
};

}  // namespace shard

#endif  // SHARD_SESSION_NO_AUTOFLUSH_H_
