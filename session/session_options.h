// How a session behaves.
#ifndef SHARD_SESSION_SESSION_OPTIONS_H_
#define SHARD_SESSION_SESSION_OPTIONS_H_

#include <memory>

#include "shard/router/bind_resolver.h"

namespace shard {

struct SessionOptions {
  // Where work goes; required. Shared by all sessions made with it.
  std::shared_ptr<BindResolver> resolver;
  // Flush before each statement, so that it sees the session's own changes.
  bool autoflush = true;
  // Expire all objects after a commit, so that the next read sees what others
  // have written since. Off: objects keep what they hold.
  bool expire_on_commit = true;
};

}  // namespace shard

#endif  // SHARD_SESSION_SESSION_OPTIONS_H_
