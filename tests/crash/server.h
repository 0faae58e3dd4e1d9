// PostgreSQL servers to be killed.
#ifndef SHARD_TESTS_CRASH_SERVER_H_
#define SHARD_TESTS_CRASH_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/tests/crash/child.h"

namespace shard::bank {

// A throw-away cluster on a loopback port of its own. Stopped, in immediate
// mode, when this object or the process ends.
class Server {
 public:
  // Makes clusters below `folder`, which others must be allowed to pass
  // through; none is started. kNotFound: PostgreSQL is not installed.
  static absl::StatusOr<std::vector<std::unique_ptr<Server>>> Make(
      const std::string& folder, std::size_t count);
  // A hot standby of this one, which must be running: copied from it into
  // `folder`, and not started. It follows for as long as both run.
  absl::StatusOr<std::unique_ptr<Server>> MakeStandby(
      const std::string& folder) const;
  ~Server() { Kill(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& url() const { return url_; }
  // Does not wait until it takes connections.
  absl::Status Start();
  // kUnavailable: it does not in that time; its log says why.
  absl::Status WaitUntilReady(absl::Duration patience) const;
  bool running() { return process_.running(); }
  // What pg_ctl stop -m immediate does: all its processes end at once, and the
  // next start is a recovery from a crash.
  void Kill();

 private:
  Server(std::string data, int port);
  const std::string data_;
  const int port_;
  const std::string url_;
  Child process_;
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_SERVER_H_
