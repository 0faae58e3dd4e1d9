// Loads more rows than fit into memory: streams them into a class, batch by
// batch, and goes on where it was if it is interrupted.
#ifndef SHARD_SESSION_LOAD_H_
#define SHARD_SESSION_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/session/load_source.h"
#include "shard/session/retry.h"
#include "shard/session/session_options.h"

namespace shard {

// What a row does that cannot be read, that belongs to no shard, or that the
// database refuses: a constraint, a value it cannot hold, a trigger's RAISE
// (with a code of class 22, 23 or 44, of a class of one's own, or with none), a
// row too large for an index, or one that a policy of row-level security does
// not let in (told by its English words). No other error counts as a bad row:
// it ends the load.
//
// Where constraints are deferred, PostgreSQL objects to a batch as a whole; it
// is then written again and checked part by part, so that a bad row is found,
// and with it rows that refer to later ones of their batch. SQLite cannot do
// that: a row that it objects to at the commit only ends the load, whatever is
// said here.
enum class OnRefusedRow : std::uint8_t {
  // Ends the load with an error that names the row. Nothing of its batch is
  // written; batches before it stay.
  kStop,
  // Is left out, counted and told of.
  kSkip,
  // As kStop, but nothing of the whole load is written: it is one transaction.
  // (Files that follow another keep what they are to write in memory until
  // then: SessionOptions::max_redo_bytes bounds it.)
  kUndoAll,
};

struct RefusedLoadRow {
  std::string where;  // "line 12", "row 7": LoadSource::NameOf
  absl::Status reason;
};

// How far a load is. Plain value.
struct LoadProgress {
  // Committed, in former runs too. With kUndoAll only written until it is
  // finished, and back at the start when all of it is done again.
  LoadPosition position;
  std::uint64_t refused = 0;  // of these rows
  std::uint64_t batches = 0;  // of this run
  // How often kUndoAll went back to the start; rates count from there.
  std::uint64_t begun_anew = 0;
  std::optional<std::uint64_t> total_rows{};
  std::optional<std::uint64_t> total_bytes{};
  absl::Duration elapsed;  // of this run, as are the rates
  double rows_per_second = 0;
  double bytes_per_second = 0;
  std::optional<absl::Duration> time_left{};  // where a total is known
  bool finished = false;
};

struct LoadOptions {
  // The load can be resumed under this name, of 1 to 200 bytes. Empty: it
  // cannot.
  std::string name = "";
  // Read, held in memory and committed together. Larger batches cost fewer
  // commits and more memory.
  std::size_t batch_rows = 20'000;
  OnRefusedRow on_refused = OnRefusedRow::kStop;
  // Hears of each row that is skipped, in order, before its batch is committed:
  // those of a batch that was not, since the process crashed or a constraint
  // objected only then, are told of again.
  std::function<void(const RefusedLoadRow&)> on_refused_row = nullptr;
  // How many of them LoadReport::refused_rows holds: the first ones.
  std::size_t most_refused_kept = 100;
  // Rows refused in one run, after which it gives up as by kStop.
  std::uint64_t most_refused = UINT64_MAX;
  // Called after a batch, on the caller's thread, at most so often, and once in
  // the end. An error from it ends the load behind that batch and is what Load
  // returns; a load with a name can go on later.
  std::function<absl::Status(const LoadProgress&)> on_progress = nullptr;
  absl::Duration progress_interval = absl::Milliseconds(200);
  // NULL is written where else the column's default would be.
  bool render_nulls = false;
  // The source differs from the one that the load was begun with, but not
  // before the position where it goes on: a file mended behind it.
  bool accept_changed_source = false;
  // Of each batch, when it meets another transaction (kAborted), or a database
  // is lost (kUnavailable).
  RetryPolicy retry = {};
};

// Plain value.
struct LoadReport {
  LoadPosition position;       // where the load stands, former runs included
  std::uint64_t refused = 0;   // of all those rows
  std::uint64_t inserted = 0;  // in this run, as is all below
  std::uint64_t batches = 0;
  std::uint64_t resumed_at = 0;   // rows that former runs had done
  bool already_finished = false;  // nothing was left to do
  std::vector<RefusedLoadRow> refused_rows{};
  absl::Duration elapsed;
};

// Reads the source to its end, and inserts its rows where the resolver of
// `session` says, in sessions of its own. Each batch is one transaction, atomic
// over its shards. Memory is bounded by one batch.
//
// With a name, the transaction of each batch also writes the position behind it
// into the table shard_loads, in the first of the class's databases by name (or
// the only one); it is made there if need be. A later Load of that name, in
// whatever process, goes on behind the last batch that was committed: each row
// is written once, whatever crashes and when. Of two that load under one name
// at the same time, one is refused. Without a name, and with kUndoAll, a load
// that did not end well is begun anew.
//
// When it returns, shares of batches may still be pending, as after any Commit
// (CommitResult): recovery commits them. So it does with the share of a batch
// whose process died when it was decided, beside the load that goes on.
//
// A batch that meets another transaction, or loses a database, is tried again;
// one whose commit is in doubt, or whose answer was lost, is looked for first.
//
// kInvalidArgument: the options, or the source does not give a column of the
// shard key, or of a primary key that the database does not make.
// kFailedPrecondition: the session cannot commit atomically over the databases
// of the class (two_phase is off, there is no topology, connections are
// joined); another source was loaded under that name; another process is
// loading it. A refused row: its own code, the message says where it is and how
// far the load got. Otherwise the errors of the source and of the databases;
// those never count as a bad row.
absl::StatusOr<LoadReport> Load(const SessionOptions& session,
                                LoadSource& source,
                                const LoadOptions& options = {});

// What is written down of a load.
struct LoadState {
  std::string name;
  std::string source;  // LoadSource::Fingerprint
  LoadPosition position;
  std::uint64_t refused = 0;
  bool finished = false;
};

// All loads that are remembered, by name. `session` is one like those that
// loaded; it needs a topology, or a resolver that leads to one database
// whatever is asked.
absl::StatusOr<std::vector<LoadState>> ListLoads(const SessionOptions& session);
// Forgets one, so that the name can be used again. kNotFound: there is none.
absl::Status ForgetLoad(const SessionOptions& session, std::string_view name);

}  // namespace shard

#endif  // SHARD_SESSION_LOAD_H_
