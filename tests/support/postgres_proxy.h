// A wire to a PostgreSQL server that a test can cut at any message.
#ifndef SHARD_TESTS_SUPPORT_POSTGRES_PROXY_H_
#define SHARD_TESTS_SUPPORT_POSTGRES_PROXY_H_

#include <array>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shard::testing {

// Stands before a server on a port of 127.0.0.1 and passes on whole messages of
// the protocol, over any number of connections. Has a thread of its own, which
// ends with the object, and all connections with it. Thread-safe.
//
//   proxy->Arm({PostgresProxy::kToClient, 0, PostgresProxy::kCutBefore});
//   connection->Commit();  // committed, but the answer does not come
//
// Asked for TLS it answers that the server has none: those requests are neither
// passed on nor counted. Bytes that are not the protocol cut the connection.
class PostgresProxy {
 public:
  enum Direction { kToServer, kToClient };

  // Types of what a client says first, which has no type byte.
  static constexpr char kStartup = '^';
  static constexpr char kCancel = '!';

  struct Message {
    Direction direction;
    char type;               // 'Q', 'C', 'Z', ... or one of the above
    std::size_t connection;  // 0 for the first one since Start, 1, ...
  };

  enum Action {
    // The message is not passed on, and both sides see the connection end. The
    // client can read all that was passed on before; the server executes it.
    kCutBefore,
    // The same behind the message.
    kCutAfter,
    // From the message on nothing goes that way, not even the end of the
    // stream; the other way goes on, and both sides stay open.
    kStall,
    // The same both ways, as when a cable is pulled.
    kStallBoth,
    // The message and those behind it wait for `delay`.
    kDelay,
  };

  // `message`: number since Arm among those of that direction, from 0. Happens
  // once, to the connection of that message.
  struct Fault {
    Direction direction = kToServer;
    std::size_t message = 0;
    Action action = kCutBefore;
    absl::Duration delay = absl::ZeroDuration();
  };

  // Proxy for the server of `server_url`. It need not be up: then connections
  // end as soon as they are made. kInvalidArgument when the URL is none, or
  // does not name the host before its path (unix sockets are not for us);
  // kUnavailable when the host is not known or there is no port to be had.
  static absl::StatusOr<std::unique_ptr<PostgresProxy>> Start(
      std::string_view server_url);
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  // `server_url` with the proxy's host and port.
  const std::string& url() const { return url_; }

  // Counts from 0 again, over all connections, and forgets what passed and the
  // fault before; connections that stall or wait already go on doing so. What a
  // client sent without awaiting an answer (its farewell) may count yet. One
  // call counts and sets the fault: under load its message could pass between.
  void Arm() { Count(std::nullopt); }
  void Arm(const Fault& fault) { Count(fault); }
  // True once the fault has happened.
  bool fault_happened() const;
  // The first 100000 that came since Arm, in that order; the one that was cut
  // is among them, those thrown away behind it are not.
  std::vector<Message> messages() const;

  // Cuts all connections: once it returns nothing of what comes is passed on.
  void CutAll();
  // From now on ends new connections as soon as they are made, as where a
  // server is dead; or no longer.
  void Refuse(bool refuse);
  // Connections whose client has not hung up, as far as was noticed.
  std::size_t open_clients() const;

  // Both return false when `timeout` was over first. The second waits until the
  // server has hung up on every connection that was cut or, as far as was
  // noticed, ended by its client: each backend has then executed what it got,
  // let go of its locks and ended.
  bool WaitForFault(absl::Duration timeout) const;
  bool WaitForBackends(absl::Duration timeout) const;

 private:
  class Socket;
  struct Flow;
  struct Wire;

  PostgresProxy();
  absl::StatusOr<std::string> Listen();  // host and port
  void Wake();
  void Count(const std::optional<Fault>& fault);

  // In the thread.
  void Run();
  int MillisecondsToWait() const;
  void Accept();
  void Serve(Wire& wire, Direction from, short happened);
  void Pass(Wire& wire, Direction direction);
  bool Admit(Wire& wire, Direction direction, std::string_view message,
             char type);

  std::string url_;
  std::string server_;  // its socket address
  std::unique_ptr<Socket> listener_;
  std::unique_ptr<Socket> waker_;  // an eventfd
  std::thread thread_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // The rest is guarded by mutex_. Only the thread adds and removes wires.
  std::vector<std::unique_ptr<Wire>> wires_;
  std::size_t accepted_ = 0;
  bool refusing_ = false;
  bool stopping_ = false;
  std::optional<Fault> fault_;
  bool fault_happened_ = false;
  std::array<std::size_t, 2> passed_{};  // by direction
  std::vector<Message> messages_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SUPPORT_POSTGRES_PROXY_H_
