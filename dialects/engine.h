// A database and its pool of connections.
#ifndef SHARD_DIALECTS_ENGINE_H_
#define SHARD_DIALECTS_ENGINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/statement_listeners.h"

namespace shard {

class ConnectionPool;

struct EngineOptions {
  // In messages; empty: the URL without its password.
  std::string name;
  // Most connections open at once. Opened when first needed, kept afterwards.
  std::size_t pool_size = 10;
  // How long Connect waits for a connection to come back: kResourceExhausted
  // afterwards.
  absl::Duration pool_timeout = absl::Seconds(30);
  // A connection that lay idle longer is asked for a sign of life when it is
  // borrowed, and replaced if it gives none. In a topology its stamp is read
  // again, too.
  absl::Duration health_check_after = absl::Seconds(5);
  // SQLite: how long a locked file is waited for before kAborted.
  // PostgreSQL: how long connecting may take.
  absl::Duration busy_timeout = absl::Seconds(5);
  // Heard after each statement, in the thread that ran it; may be called from
  // several threads at once. Costs nothing when empty.
  OnStatement on_statement = nullptr;
};

// A connection on loan; goes back to its pool when destroyed: rolled back if a
// transaction is open, thrown away if it was lost. Movable. Must not outlive
// its Engine.
class PooledConnection {
 public:
  PooledConnection() = default;
  PooledConnection(ConnectionPool* pool, std::unique_ptr<Connection> connection)
      : pool_(pool), connection_(std::move(connection)) {}
  PooledConnection(PooledConnection&& other) noexcept;
  PooledConnection& operator=(PooledConnection&& other) noexcept;
  ~PooledConnection() { Return(); }

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }
  explicit operator bool() const { return connection_ != nullptr; }
  void Return();

 private:
  ConnectionPool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

// Thread-safe. Must outlive every session and connection made from it.
class Engine {
 public:
  // Opens connections; each dialect has one. Thread-safe.
  class Opener {
   public:
    virtual ~Opener() = default;
    virtual const Dialect& dialect() const = 0;
    virtual absl::StatusOr<std::unique_ptr<Connection>> Open() = 0;
    // Waits no longer than `until`, where opening can take long.
    virtual absl::StatusOr<std::unique_ptr<Connection>> OpenBefore(
        absl::Time /*until*/) {
      return Open();
    }
    // Fewer than asked for where more make no sense (a private database in
    // memory has one).
    virtual std::size_t LimitPoolSize(std::size_t wanted) { return wanted; }
  };

  Engine(std::unique_ptr<Opener> opener, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const std::string& name() const { return options_.name; }
  const Dialect& dialect() const { return opener_->dialect(); }
  // Borrows a connection. kResourceExhausted when none came back in time,
  // kUnavailable when the database cannot be reached; both name the engine.
  absl::StatusOr<PooledConnection> Connect();
  // The database lives in its one connection and ends with it, as one in
  // memory.
  bool is_private() const;
  // A connection outside of the pool, for work that must not wait for it. The
  // same errors and checks; kUnimplemented when is_private(); kUnavailable or
  // kDeadlineExceeded, too, when it does not stand by `until`. Opening a SQLite
  // file is bounded by busy_timeout alone, whatever `until` says.
  absl::StatusOr<std::unique_ptr<Connection>> OpenConnection(
      absl::Time until = absl::InfiniteFuture());

  // Looks at each connection opened from now on before anybody gets it, and
  // those idle now are dropped; an error refuses the connection, and Connect
  // returns it. May be called from several threads at once.
  // kFailedPrecondition: there is a check already, `owner` of it is another.
  //
  // The check looks again at a connection of the pool that was idle for
  // health_check_after. `may_write`, if given, is what CheckMayWrite answers;
  // it may be called from several threads at once, and should be quick. Unlike
  // the check it may still run when it has been removed or replaced: it must
  // keep alive what it looks at.
  using ConnectCheck = std::function<absl::Status(Connection&)>;
  using WriteCheck = std::function<absl::Status()>;
  absl::Status SetConnectCheck(const void* owner, ConnectCheck check,
                               WriteCheck may_write = nullptr);
  // To be asked before the database is written to; nothing is sent to it. OK
  // unless whoever checks the connections has learned that it must not be.
  absl::Status CheckMayWrite() const;
  // Removes it, if it is that owner's.
  void RemoveConnectCheck(const void* owner);
  std::size_t open_connections() const;
  // Those on loan. Takes no lock.
  std::size_t connections_in_use() const;
  // When Connect last failed with kUnavailable; InfinitePast() when none has
  // since a connection was lent, or opened, successfully. Takes no lock.
  absl::Time unreachable_at() const;

  // From now on sessions that commit to this database ask for its position in
  // the log (Connection::ReadReplication) afterwards, one more round trip, and
  // tell it their resolver: see SessionHistory.
  void NoteLogPositions() { notes_log_positions_ = true; }
  bool notes_log_positions() const { return notes_log_positions_; }

 private:
  std::atomic<bool> notes_log_positions_ = false;
  EngineOptions options_;
  std::unique_ptr<Opener> opener_;
  std::unique_ptr<ConnectionPool> pool_;
};

// Opens the database that `url` names:
//
//   sqlite:///relative.db   sqlite:////absolute/path.db   sqlite://  (in
//   memory) postgresql://user:password@host:5432/database?sslmode=require
//
// A SQLite file takes ?mode=ro, and ?synchronous=normal: then a power loss may
// undo the last commits, but not break the file; not for a file that takes part
// in atomic commits, which refuse it. Nothing is connected to yet: an engine
// that is down is found at first use. kInvalidArgument says what is wrong with
// the URL, never its password; kNotFound when no dialect of that name is linked
// in.
absl::StatusOr<std::shared_ptr<Engine>> OpenEngine(std::string_view url,
                                                   EngineOptions options = {});

}  // namespace shard

#endif  // SHARD_DIALECTS_ENGINE_H_
