#include "shard/tests/simulation/postgres_server.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"

namespace shard::testing {
namespace {

// How late a server learns that a client's machine, or the way to it, is gone.
constexpr absl::Duration kLongestKeepAlive = absl::Seconds(3);

absl::Status Failed() {
  return absl::AbortedError("current transaction is aborted");
}

}  // namespace

PostgresServer::PostgresServer(World* world, Flaw flaw, Stamp stamp,
                               bool can_prepare)
    : world_(*world),
      flaw_(flaw),
      stamp_(std::move(stamp)),
      can_prepare_(can_prepare) {}

// --- The server and its lines ---

void PostgresServer::Start() {
  process_ = world_.NewProcess(absl::StrCat(name(), "#", ++starts_));
  world_.Note({name(), " is up"});
}

void PostgresServer::Crash() {
  if (!up()) return;
  world_.Kill(process_);
  for (const auto& weak : lines_) {
    if (const auto line = weak.lock()) {
      line->cut = true;
      line->sent.clear();
    }
  }
  lines_.clear();
  const std::size_t kept =
      flushed_ + world_.random().Below(log_.size() - flushed_ + 1);
  log_.resize(kept);
  flushed_ = kept;
  const std::uint64_t before = next_xid_;
  next_xid_ = 700;
  visible_ = Contents();
  for (const Record& record : log_) {
    Apply(record, visible_);
    next_xid_ = std::max(next_xid_, record.xid + 1);
  }
  // Numbers that left no trace on the disk are given out again.
  next_xid_ += world_.random().Below(before - next_xid_ + 1);
  running_.clear();
  inserting_.clear();
  locks_.clear();
  if (flaw_ == Flaw::kForgetPrepared) visible_.prepared.clear();
  for (const auto& [gid, prepared] : visible_.prepared) {
    running_.insert(prepared.xid);
    for (const int row : prepared.rows) locks_[row] = prepared.xid;
  }
}

std::shared_ptr<PostgresLine> PostgresServer::Connect() {
  if (!up()) return nullptr;
  auto line = std::make_shared<PostgresLine>();
  std::erase_if(lines_, [](const auto& weak) { return weak.expired(); });
  lines_.push_back(line);
  world_.Spawn(process_, "backend", [this, line] { Serve(line); });
  return line;
}

void PostgresServer::Close(const std::shared_ptr<PostgresLine>& line,
                           bool lost_power) {
  if (!lost_power || !up()) {
    line->closed = true;
    return;
  }
  const absl::Duration delay = kLongestKeepAlive * world_.random().Fraction();
  world_.Spawn(process_, "keepalive", [this, line, delay] {
    world_.Pause(delay);
    line->closed = true;
  });
}

void PostgresServer::Cut(const std::shared_ptr<PostgresLine>& line) {
  if (line->cut) return;
  line->cut = true;
  line->sent.resize(world_.random().Below(line->sent.size() + 1));
  Close(line, world_.random().Coin());
}

void PostgresServer::CutSomeLine() {
  std::vector<std::shared_ptr<PostgresLine>> open;
  for (const auto& weak : lines_) {
    const auto line = weak.lock();
    if (line != nullptr && !line->cut) open.push_back(line);
  }
  if (open.empty()) return;
  world_.Note({name(), ": a connection is cut"});
  Cut(open[world_.random().Below(open.size())]);
}

void PostgresServer::Serve(const std::shared_ptr<PostgresLine>& line) {
  PostgresBackend backend;
  while (true) {
    world_.WaitFor([&] { return line->closed || !line->sent.empty(); });
    if (line->sent.empty()) break;
    const PostgresLine::Call call = std::move(line->sent.front());
    line->sent.pop_front();
    call.run(backend, *call.answer);
    world_.Note({call.verb, ": ",
                 call.answer->status.ok()
                     ? "OK"
                     : absl::StatusCodeToString(call.answer->status.code())});
    world_.Step();
    call.answer->there = true;
  }
  if (backend.xid != 0) world_.Note({"rolled back, its client is gone"});
  Rollback(backend);
}

// --- Transactions ---

std::uint64_t PostgresServer::Begin(PostgresBackend& backend) {
  if (backend.xid == 0) {
    backend.xid = next_xid_++;
    running_.insert(backend.xid);
  }
  return backend.xid;
}

void PostgresServer::EndOf(std::uint64_t xid) {
  running_.erase(xid);
  std::erase_if(inserting_, [xid](const auto& e) { return e.second == xid; });
  std::erase_if(locks_, [xid](const auto& e) { return e.second == xid; });
}

absl::Status PostgresServer::Write(PostgresBackend& backend, int tag, int row,
                                   absl::Duration lock_limit) {
  if (backend.failed) return Failed();
  const std::uint64_t xid = Begin(backend);
  const bool locked = world_.WaitFor(
      [&] {
        const auto lock = locks_.find(row);
        return lock == locks_.end() || lock->second == xid;
      },
      world_.Now() + lock_limit);
  if (!locked) {
    backend.failed = true;
    return absl::AbortedError("lock timeout");
  }
  locks_[row] = xid;
  backend.rows.push_back(row);
  backend.tags.push_back(tag);
  return absl::OkStatus();
}

WorkDone PostgresServer::Look(const PostgresBackend& backend) const {
  return {backend.xid != 0, backend.xid == 0 ? "" : absl::StrCat(backend.xid)};
}

void PostgresServer::Rollback(PostgresBackend& backend) {
  if (backend.xid != 0) EndOf(backend.xid);
  backend = PostgresBackend();
}

std::size_t PostgresServer::Append(Record& record) {
  record.at = world_.Now();
  log_.push_back(record);
  return log_.size();
}

void PostgresServer::Flush(std::size_t place) {
  world_.Step();
  flushed_ = std::max(flushed_, place);
  world_.Step();
}

void PostgresServer::Apply(const Record& record, Contents& contents) {
  switch (record.kind) {
    case Record::kPrepare:
      contents.prepared[record.gid] = {record.xid, record.tags, record.rows,
                                       record.at};
      return;
    case Record::kRollbackPrepared:
      contents.prepared.erase(record.gid);
      return;
    case Record::kCommitPrepared:
      contents.prepared.erase(record.gid);
      break;
    case Record::kCommit:
      break;
  }
  contents.committed.insert(record.xid);
  contents.tags.insert(contents.tags.end(), record.tags.begin(),
                       record.tags.end());
  for (const std::string& txn : record.removed) contents.decisions.erase(txn);
  if (record.insert.has_value()) {
    contents.decisions[record.insert->txn] = {*record.insert, record.at};
  }
}

absl::Status PostgresServer::Commit(PostgresBackend& backend) {
  if (backend.failed) {
    Rollback(backend);
    return absl::AbortedError("COMMIT was answered with ROLLBACK");
  }
  if (backend.xid == 0) return absl::OkStatus();
  Record record;
  record.xid = backend.xid;
  record.tags = backend.tags;
  record.insert = backend.decision;
  Flush(Append(record));
  Apply(record, visible_);
  Rollback(backend);  // ends it
  return absl::OkStatus();
}

absl::Status PostgresServer::Prepare(PostgresBackend& backend,
                                     const std::string& gid) {
  if (backend.failed) {
    Rollback(backend);
    return Failed();
  }
  Record record;
  record.kind = Record::kPrepare;
  record.xid = backend.xid;
  record.gid = gid;
  record.tags = backend.tags;
  record.rows = backend.rows;
  Flush(Append(record));
  Apply(record, visible_);
  backend = PostgresBackend();  // its locks stay
  return absl::OkStatus();
}

absl::Status PostgresServer::End(const std::string& gid, Decision decision) {
  const auto found = visible_.prepared.find(gid);
  if (found == visible_.prepared.end()) {
    return absl::NotFoundError("no such prepared transaction");
  }
  if (found->second.ending) {
    return absl::AbortedError("the prepared transaction is busy");
  }
  found->second.ending = true;
  Record record;
  record.kind = decision == Decision::kCommit ? Record::kCommitPrepared
                                              : Record::kRollbackPrepared;
  record.xid = found->second.xid;
  record.gid = gid;
  record.tags = found->second.tags;
  Flush(Append(record));
  Apply(record, visible_);
  EndOf(record.xid);
  return absl::OkStatus();
}

// --- Decisions ---

bool PostgresServer::InFlight(const std::string& txn) const {
  return flaw_ != Flaw::kNoUniqueKey && inserting_.contains(txn);
}

absl::Status PostgresServer::Insert(PostgresBackend& backend,
                                    const DecisionRow& row) {
  world_.WaitFor([&] { return !InFlight(row.txn); });
  if (flaw_ != Flaw::kNoUniqueKey && visible_.decisions.contains(row.txn)) {
    backend.failed = true;
    return absl::AlreadyExistsError("duplicate key in shard_decisions");
  }
  inserting_[row.txn] = Begin(backend);
  backend.decision = row;
  return absl::OkStatus();
}

absl::Status PostgresServer::Decide(PostgresBackend& backend,
                                    const DecisionRow& row) {
  if (backend.failed) return Failed();
  SHARD_RETURN_IF_ERROR(Insert(backend, row));
  world_.Step();
  return Commit(backend);
}

absl::StatusOr<Decision> PostgresServer::PutOrFind(const DecisionRow& row,
                                                   const std::string& number,
                                                   absl::Duration patience) {
  std::uint64_t xid = 0;
  const bool numbered = absl::SimpleAtoi(number, &xid);
  const absl::Status in_progress =
      absl::AbortedError("its transaction is still in progress");
  if (flaw_ == Flaw::kSelectInsteadOfSettle) {
    const auto found = visible_.decisions.find(row.txn);
    return found == visible_.decisions.end() ? Decision::kAbort
                                             : found->second.row.outcome;
  }
  if (!world_.WaitFor([&] { return !InFlight(row.txn); },
                      world_.Now() + patience)) {
    return in_progress;
  }
  const auto found = visible_.decisions.find(row.txn);
  if (found != visible_.decisions.end()) return found->second.row.outcome;
  if (row.outcome == Decision::kCommit && numbered && running_.contains(xid)) {
    return in_progress;
  }
  PostgresBackend own;
  SHARD_RETURN_IF_ERROR(Insert(own, row));
  SHARD_RETURN_IF_ERROR(Commit(own));
  return row.outcome;
}

std::vector<PreparedTransaction> PostgresServer::ListPrepared(
    std::string_view prefix) const {
  std::vector<PreparedTransaction> list;
  for (const auto& [gid, prepared] : visible_.prepared) {
    if (gid.substr(0, prefix.size()) != prefix) continue;
    list.push_back({gid, world_.Now() - prepared.at});
  }
  return list;
}

TransactionFate PostgresServer::FateOf(std::uint64_t xid) const {
  if (xid >= next_xid_) return TransactionFate::kForgotten;
  if (running_.contains(xid)) return TransactionFate::kInProgress;
  return visible_.committed.contains(xid) ? TransactionFate::kCommitted
                                          : TransactionFate::kAborted;
}

std::vector<DecisionRow> PostgresServer::ListDecisions() const {
  std::vector<DecisionRow> rows;
  for (const auto& [txn, decided] : visible_.decisions) {
    rows.push_back(decided.row);
    rows.back().age = world_.Now() - decided.at;
  }
  return rows;
}

// Without waiting for the disk.
void PostgresServer::DeleteDecisions(const std::vector<std::string>& txns) {
  PostgresBackend own;
  Record record;
  record.xid = Begin(own);
  record.removed = txns;
  Append(record);
  world_.Step();
  Apply(record, visible_);
  Rollback(own);
}

void PostgresServer::Vandalise(std::function<void()> deed) {
  if (up()) world_.Spawn(process_, "vandal", std::move(deed));
}

std::size_t PostgresServer::Count(int tag) const {
  return static_cast<std::size_t>(
      std::count(visible_.tags.begin(), visible_.tags.end(), tag));
}

}  // namespace shard::testing
