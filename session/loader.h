// One run of a load.
#ifndef SHARD_SESSION_LOADER_H_
#define SHARD_SESSION_LOADER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/session/bulk_report.h"
#include "shard/session/load.h"
#include "shard/session/load_meter.h"
#include "shard/session/load_record.h"
#include "shard/session/load_source.h"
#include "shard/session/retry.h"
#include "shard/session/session_core.h"
#include "shard/session/session_options.h"

namespace shard {

// The options of the sessions of a load: they begin transactions by themselves.
SessionOptions LoaderSession(SessionOptions session);

// See Load. Used once, by one thread; source and options must outlive it.
//
// A transaction holds one batch, or with OnRefusedRow::kUndoAll all of them. It
// locks the row of the load (LoadRecord), writes rows, moves the load's row,
// and commits. When it fails in a way that may pass it is done again; if its
// commit may have happened all the same, the load's row tells.
class Loader {
 public:
  Loader(const SessionOptions& session, LoadSource* source,
         const LoadOptions* options);

  absl::Status Run();
  LoadReport TakeReport() { return std::move(report_); }

 private:
  struct Refused {
    std::uint64_t row;  // of the source, from 0
    RefusedLoadRow told;
  };
  // What a transaction adds, if it is committed.
  struct Work {
    std::uint64_t inserted = 0;
    std::uint64_t batches = 0;
    std::vector<Refused> refused;
  };

  bool undoes_all() const {
    return options_.on_refused == OnRefusedRow::kUndoAll;
  }
  absl::Status TakeUp();
  absl::Status LoadBatches();

  // A transaction, again where that may help. `finishes`: the load is over.
  absl::Status Transact(bool finishes);
  absl::Status TryOnce(bool finishes);
  absl::Status InsertAll();
  absl::Status InsertBatch();
  absl::Status TakeRefused(std::vector<RefusedRow> refused);
  absl::Status Commit(bool finishes);
  void NoteCommitted();
  // After a try that failed. True: the next one will find the row that a
  // constraint refused when it was checked at the commit.
  absl::StatusOr<bool> MayFindRow(const absl::Status& failure);
  // After a try that failed. True: it was committed all the same. False: it was
  // not, and will not be.
  absl::StatusOr<bool> Settle(const absl::Status& failure, Retries& retries);
  absl::StatusOr<bool> LookForCommit(const absl::Status& failure,
                                     Retries& retries);

  void TellRefused();
  absl::Status Stop(const Refused& row, std::string_view why);

  const SessionOptions options_of_session_;
  LoadSource& source_;
  const LoadOptions& options_;
  SessionCore session_;
  std::optional<LoadRecord> record_;  // of a load with a name
  std::optional<LoadMeter> meter_;
  LoadPosition start_;  // of this run
  LoadReport report_;
  Work work_;
  // Of the transaction at hand: LoadBatch::CheckDeferredAt.
  std::vector<std::shared_ptr<Engine>> check_at_;
  bool committing_ = false;  // this try has come so far
  bool stopped_ = false;     // by a refused row, or the progress callback
  std::uint64_t refused_before_ = 0;  // in former runs
  std::uint64_t told_up_to_ = 0;      // the row from which on none was told of
};

}  // namespace shard

#endif  // SHARD_SESSION_LOADER_H_
