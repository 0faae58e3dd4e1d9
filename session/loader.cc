#include "shard/session/loader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/session/commit_result.h"
#include "shard/session/load_batch.h"
#include "shard/session/load_home.h"

namespace shard {
namespace {

// Whether the work may go well another time: it met another transaction, or a
// database was lost.
bool MayPass(const absl::Status& failure) {
  return (absl::IsAborted(failure) || absl::IsUnavailable(failure)) &&
         !CommitResultOf(failure).has_value();
}

// What is known of the failure is dealt with: Retries shall count and wait.
bool Again(Retries& retries) { return retries.Again(absl::AbortedError("")); }

}  // namespace

SessionOptions LoaderSession(SessionOptions session) {
  session.autobegin = true;
  return session;
}

Loader::Loader(const SessionOptions& session, LoadSource* source,
               const LoadOptions* options)
    : options_of_session_(LoaderSession(session)),
      source_(*source),
      options_(*options),
      session_(options_of_session_) {}

absl::Status Loader::Run() {
  start_ = source_.position();
  if (!options_.name.empty()) SHARD_RETURN_IF_ERROR(TakeUp());
  report_.position = start_;
  told_up_to_ = start_.rows;
  if (!report_.already_finished && !(source_.position() == start_)) {
    SHARD_RETURN_IF_ERROR(source_.Seek(start_));
  }
  // Passing over what is done is no part of how fast the rest goes.
  meter_.emplace(&source_, &options_, start_);
  if (!report_.already_finished) {
    SHARD_RETURN_IF_ERROR(undoes_all() ? Transact(true) : LoadBatches());
  }
  report_.elapsed = meter_->elapsed();
  return meter_->TellEnd(report_.position, report_.refused, report_.batches);
}

absl::Status Loader::TakeUp() {
  SHARD_ASSIGN_OR_RETURN(
      auto home,
      FindLoadHome(options_of_session_, source_.mapping(), options_.name));
  SHARD_RETURN_IF_ERROR(EnsureLoads(*home));
  record_.emplace(std::move(home), options_.name);
  Retries retries(options_.retry);
  while (true) {
    absl::Status status = record_->TakeUp(session_, source_.Fingerprint(),
                                          options_.accept_changed_source);
    if (status.ok()) status = session_.Commit().status();
    if (status.ok()) break;
    session_.Rollback();
    // Two that begin it at once; and whether a lost commit happened is seen.
    const bool may_pass = MayPass(status) || absl::IsAlreadyExists(status);
    if (!may_pass || !Again(retries)) return status;
  }
  const LoadState& state = record_->state();
  start_ = state.position;
  report_.resumed_at = start_.rows;
  report_.refused = refused_before_ = state.refused;
  report_.already_finished = state.finished;
  return absl::OkStatus();
}

absl::Status Loader::LoadBatches() {
  while (true) {
    SHARD_RETURN_IF_ERROR(source_.ReadBatch(options_.batch_rows));
    if (source_.batch_size() == 0) break;
    SHARD_RETURN_IF_ERROR(Transact(false));
    SHARD_RETURN_IF_ERROR(
        meter_->Tell(report_.position, report_.refused, report_.batches));
  }
  if (record_.has_value()) return Transact(true);
  report_.position = source_.position();  // behind what is no row
  return absl::OkStatus();
}

absl::Status Loader::Transact(bool finishes) {
  Retries retries(options_.retry);
  check_at_.clear();
  while (true) {
    const absl::Status status = TryOnce(finishes);
    if (status.ok()) break;
    session_.Rollback();
    SHARD_ASSIGN_OR_RETURN(const bool may_find, MayFindRow(status));
    if (may_find) continue;
    if (stopped_ || !MayPass(status)) return status;
    SHARD_ASSIGN_OR_RETURN(const bool committed, Settle(status, retries));
    if (committed) break;
    if (!Again(retries)) return status;
    if (undoes_all()) {
      if (!source_.Seek(start_).ok()) return status;
      meter_->BeginAnew();
    }
  }
  NoteCommitted();
  return absl::OkStatus();
}

absl::Status Loader::TryOnce(bool finishes) {
  committing_ = false;
  if (record_.has_value()) {
    SHARD_ASSIGN_OR_RETURN(const bool mine, record_->Lock(session_));
    if (!mine) return record_->TakenError();
  }
  work_ = {};
  SHARD_RETURN_IF_ERROR(undoes_all() ? InsertAll() : InsertBatch());
  return Commit(finishes);
}

absl::Status Loader::InsertAll() {
  while (true) {
    SHARD_RETURN_IF_ERROR(source_.ReadBatch(options_.batch_rows));
    if (source_.batch_size() == 0) return absl::OkStatus();
    SHARD_RETURN_IF_ERROR(InsertBatch());
    const absl::Status told =
        meter_->Tell(source_.position(), report_.refused, work_.batches);
    stopped_ = !told.ok();
    SHARD_RETURN_IF_ERROR(told);
  }
}

// What source_ has read.
absl::Status Loader::InsertBatch() {
  if (source_.batch_size() == 0) return absl::OkStatus();
  std::vector<RefusedRow> refused = source_.refused();
  const bool stops = options_.on_refused != OnRefusedRow::kSkip;
  if (source_.rows().size() > 0 && (refused.empty() || !stops)) {
    BulkOptions how;
    how.render_nulls = options_.render_nulls;
    LoadBatch batch(&session_, &source_.rows(), how, stops);
    batch.CheckDeferredAt(check_at_);
    SHARD_RETURN_IF_ERROR(batch.Write());
    work_.inserted += batch.inserted();
    std::move(batch.refused().begin(), batch.refused().end(),
              std::back_inserter(refused));
  }
  ++work_.batches;
  return TakeRefused(std::move(refused));
}

absl::Status Loader::TakeRefused(std::vector<RefusedRow> refused) {
  std::sort(refused.begin(), refused.end(), [](const auto& a, const auto& b) {
    return a.position < b.position;
  });
  const std::uint64_t first = source_.position().rows - source_.batch_size();
  for (RefusedRow& row : refused) {
    Refused named{first + row.position,
                  {source_.NameOf(row.position), std::move(row.reason)}};
    if (options_.on_refused != OnRefusedRow::kSkip) return Stop(named, "");
    const std::uint64_t before =
        report_.refused - refused_before_ + work_.refused.size();
    if (before >= options_.most_refused) {
      return Stop(named, absl::StrCat("; ", before,
                                      " rows were refused before it, which are "
                                      "as many as may be"));
    }
    work_.refused.push_back(std::move(named));
  }
  return absl::OkStatus();
}

absl::Status Loader::Stop(const Refused& row, std::string_view why) {
  stopped_ = true;
  const absl::Status& reason = row.told.reason;
  std::string message =
      absl::StrCat(row.told.where, ": ", reason.message(), ToAbsl(why));
  if (undoes_all()) {
    absl::StrAppend(&message, "; nothing is loaded");
  } else {
    absl::StrAppend(&message, "; of its batch nothing is loaded, of the ",
                    report_.position.rows, " rows before that all that can be");
  }
  absl::Status stopped(reason.code(), message);
  reason.ForEachPayload(
      [&stopped](absl::string_view type, const absl::Cord& payload) {
        stopped.SetPayload(type, payload);
      });
  return stopped;
}

void Loader::TellRefused() {
  if (options_.on_refused_row == nullptr) return;
  for (const Refused& row : work_.refused) {
    if (row.row < told_up_to_) continue;  // by a try that failed
    options_.on_refused_row(row.told);
    told_up_to_ = row.row + 1;
  }
}

absl::Status Loader::Commit(bool finishes) {
  if (record_.has_value()) {
    SHARD_RETURN_IF_ERROR(
        record_->Advance(session_, source_.position(),
                         report_.refused + work_.refused.size(), finishes));
  }
  TellRefused();
  committing_ = true;
  const absl::Status status = session_.Commit().status();
  if (status.ok() || !IsRefusedByDatabase(status)) return status;
  return Annotate(status,
                  absl::StrCat("a constraint that is checked at the commit "
                               "refuses a row of the batch that ends before "
                               "row ",
                               source_.position().rows + 1));
}

absl::StatusOr<bool> Loader::Settle(const absl::Status& failure,
                                    Retries& retries) {
  if (!committing_) return false;
  const std::optional<InDoubt> in_doubt = InDoubtOf(failure);
  if (in_doubt.has_value()) {
    const absl::StatusOr<Decision> decision =
        session_.Resolve(in_doubt->transaction);
    if (decision.ok()) return *decision == Decision::kCommit;
  }
  if (record_.has_value()) return LookForCommit(failure, retries);
  if (!in_doubt.has_value() && !AnswerLostOf(failure).has_value()) return false;
  return Annotate(failure,
                  absl::StrCat("the batch behind row ", report_.position.rows,
                               ", of a load without a name"));
}

// The load's row tells, as soon as it can be locked. The source must be where
// it was until then, in case the answer is yes.
absl::StatusOr<bool> Loader::LookForCommit(const absl::Status& failure,
                                           Retries& retries) {
  while (true) {
    absl::StatusOr<bool> there = record_->Lock(session_);
    if (there.ok() && *there) {
      session_.Rollback();
      return false;
    }
    if (there.ok()) there = record_->HasAdvanced(session_);
    session_.Rollback();
    if (there.ok()) return *there ? there : record_->TakenError();
    if (!MayPass(there.status())) return there.status();
    if (!Again(retries)) return failure;
  }
}

absl::StatusOr<bool> Loader::MayFindRow(const absl::Status& failure) {
  if (!committing_ || !check_at_.empty() || !IsRefusedByDatabase(failure)) {
    return false;
  }
  SHARD_ASSIGN_OR_RETURN(check_at_,
                         PostgresOf(options_of_session_, source_.mapping()));
  if (check_at_.empty()) return false;
  if (undoes_all()) {
    if (!source_.Seek(start_).ok()) return false;
    meter_->BeginAnew();
  }
  // It may be in front of some that were told of.
  told_up_to_ = report_.position.rows;
  return true;
}

void Loader::NoteCommitted() {
  report_.position = source_.position();
  if (record_.has_value()) {
    record_->Advanced();
    report_.position = record_->state().position;
  }
  report_.inserted += work_.inserted;
  report_.batches += work_.batches;
  report_.refused += work_.refused.size();
  for (Refused& row : work_.refused) {
    if (report_.refused_rows.size() >= options_.most_refused_kept) break;
    report_.refused_rows.push_back(std::move(row.told));
  }
  work_ = {};
}

}  // namespace shard
