// A factory of sessions.
#ifndef SHARD_SESSION_SESSION_MAKER_H_
#define SHARD_SESSION_SESSION_MAKER_H_

#include <utility>

#include "shard/session/session_options.h"
#include "shard/session/sharded_session.h"

namespace shard {

// Holds the options that all sessions of a program share. Configure before use;
// making sessions is then thread-safe.
//
//   const SessionMaker make_session({.resolver = resolver});
//   ShardedSession session = make_session();
class SessionMaker {
 public:
  SessionMaker() = default;
  explicit SessionMaker(SessionOptions options)
      : options_(std::move(options)) {}

  // Options of the sessions made from now on.
  SessionOptions& options() { return options_; }

  ShardedSession operator()() const { return ShardedSession(options_); }
  // With other options for this one.
  ShardedSession operator()(SessionOptions options) const {
    return ShardedSession(std::move(options));
  }

 private:
  SessionOptions options_;
};

}  // namespace shard

#endif  // SHARD_SESSION_SESSION_MAKER_H_
