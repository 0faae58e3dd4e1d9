// A small PostgreSQL: one database of a server, as far as commits go.
#ifndef SHARD_TESTS_SIMULATION_POSTGRES_SERVER_H_
#define SHARD_TESTS_SIMULATION_POSTGRES_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/tests/simulation/flaw.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

// What one session has open at the server.
struct PostgresBackend {
  std::uint64_t xid = 0;  // 0: it has written nothing
  std::vector<int> tags;  // what it wrote
  std::vector<int> rows;  // what it locked
  std::optional<DecisionRow> decision;
  bool failed = false;
};

// An answer on its way to the client. Only the verb's own members count.
struct PostgresAnswer {
  bool there = false;
  absl::Status status;
  WorkDone work;
  std::vector<PreparedTransaction> prepared;
  std::vector<DecisionRow> rows;
  TransactionFate fate = TransactionFate::kForgotten;
  Decision decision = Decision::kAbort;
};

// The way from one client to its backend. What was sent arrives in order,
// later, and even if the client has died meanwhile; so does its end.
struct PostgresLine {
  struct Call {
    std::string verb;
    std::function<void(PostgresBackend&, PostgresAnswer&)> run;
    std::shared_ptr<PostgresAnswer> answer;
  };
  std::deque<Call> sent;
  bool closed = false;  // the server hears that the client is gone
  bool cut = false;     // the client hears nothing any more
};

// Keeps its log over crashes: what a COMMIT or PREPARE had flushed survives,
// what came after it perhaps. All else, with the locks of transactions that are
// not prepared, is lost. Each verb runs in a backend, an actor of the server's
// process, and has scheduling points where PostgreSQL can crash or let others
// see half of it: between the flush of a COMMIT and its being visible, for
// instance.
class PostgresServer {
 public:
  PostgresServer(World* world, Flaw flaw, Stamp stamp, bool can_prepare);

  const std::string& name() const { return stamp_.shard; }
  const Stamp& stamp() const { return stamp_; }
  bool can_prepare() const { return can_prepare_; }
  bool up() const { return process_ != nullptr && process_->alive(); }
  void Crash();
  void Start();
  // One of the connections, if there is any, is cut.
  void CutSomeLine();

  // Null when the server is down.
  std::shared_ptr<PostgresLine> Connect();
  // The client is gone.
  void Close(const std::shared_ptr<PostgresLine>& line, bool lost_power);
  // The client hears nothing more; what was sent may still arrive.
  void Cut(const std::shared_ptr<PostgresLine>& line);

  // Of backends.
  absl::Status Write(PostgresBackend& backend, int tag, int row,
                     absl::Duration lock_limit);
  WorkDone Look(const PostgresBackend& backend) const;
  absl::Status Prepare(PostgresBackend& backend, const std::string& gid);
  absl::Status Decide(PostgresBackend& backend, const DecisionRow& row);
  absl::Status Commit(PostgresBackend& backend);
  void Rollback(PostgresBackend& backend);
  absl::Status End(const std::string& gid, Decision decision);
  std::vector<PreparedTransaction> ListPrepared(std::string_view prefix) const;
  TransactionFate FateOf(std::uint64_t xid) const;
  absl::StatusOr<Decision> PutOrFind(const DecisionRow& row,
                                     const std::string& number,
                                     absl::Duration patience);
  std::vector<DecisionRow> ListDecisions() const;
  void DeleteDecisions(const std::vector<std::string>& txns);

  // For flaws: in an actor of the server's.
  void Vandalise(std::function<void()> deed);

  // For the audit.
  std::size_t Count(int tag) const;
  std::size_t prepared() const { return visible_.prepared.size(); }
  std::size_t decisions() const { return visible_.decisions.size(); }

 private:
  struct Prepared {
    std::uint64_t xid;
    std::vector<int> tags;
    std::vector<int> rows;
    absl::Time at;
    bool ending = false;  // somebody is at it
  };
  struct Record {
    enum Kind { kCommit, kPrepare, kCommitPrepared, kRollbackPrepared };
    Kind kind = kCommit;
    std::uint64_t xid = 0;
    std::string gid;
    std::vector<int> tags;
    std::vector<int> rows;
    std::optional<DecisionRow> insert;
    std::vector<std::string> removed;
    absl::Time at;
  };
  struct Decided {
    DecisionRow row;
    absl::Time at;
  };
  // What the log amounts to.
  struct Contents {
    std::vector<int> tags;
    std::map<std::string, Decided> decisions;
    std::map<std::string, Prepared> prepared;
    std::set<std::uint64_t> committed;
  };

  void Serve(const std::shared_ptr<PostgresLine>& line);
  std::uint64_t Begin(PostgresBackend& backend);
  absl::Status Insert(PostgresBackend& backend, const DecisionRow& row);
  // To the log; returns its place.
  std::size_t Append(Record& record);
  void Flush(std::size_t place);
  static void Apply(const Record& record, Contents& contents);
  void EndOf(std::uint64_t xid);
  bool InFlight(const std::string& txn) const;

  World& world_;
  const Flaw flaw_;
  const Stamp stamp_;
  const bool can_prepare_;
  Process* process_ = nullptr;
  int starts_ = 0;
  std::vector<std::weak_ptr<PostgresLine>> lines_;

  std::vector<Record> log_;
  std::size_t flushed_ = 0;
  Contents visible_;
  std::uint64_t next_xid_ = 700;
  std::set<std::uint64_t> running_;
  std::map<std::string, std::uint64_t> inserting_;  // by txn
  std::map<int, std::uint64_t> locks_;              // by row
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_POSTGRES_SERVER_H_
