#include "shard/session/load_batch.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/session/bind_arguments.h"
#include "shard/session/result.h"
#include "shard/sql/statement.h"

namespace shard {
namespace {

// Some of other rows: a range of those that `picked` names, or of all.
class SomeRows final : public BulkRows {
 public:
  SomeRows(BulkRows* rows, const std::vector<std::size_t>& picked,
           std::size_t from, std::size_t to)
      : BulkRows(&rows->mapping()),
        rows_(*rows),
        picked_(picked),
        from_(from),
        to_(to) {}
  std::size_t size() const override { return to_ - from_; }
  absl::Status Look(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) override {
    return rows_.Look(At(index), row, arena);
  }
  absl::Status Read(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) const override {
    return rows_.Read(At(index), row, arena);
  }
  std::optional<std::uint64_t> common_fields() const override {
    return rows_.common_fields();
  }
  absl::Status ReadKey(std::size_t index, BulkRow* row,
                       sql::ByteArena& arena) const override {
    return rows_.ReadKey(At(index), row, arena);
  }
  sql::ValueView Cell(std::size_t index, std::size_t field,
                      sql::ByteArena& arena) const override {
    return rows_.Cell(At(index), field, arena);
  }
  std::uint64_t never_null() const override { return rows_.never_null(); }
  std::size_t position(std::size_t index) const override {
    return rows_.position(At(index));
  }
  bool is_typed() const override { return rows_.is_typed(); }
  EntityBase* object(std::size_t index) const override {
    return rows_.object(At(index));
  }

 private:
  std::size_t At(std::size_t index) const {
    return picked_.empty() ? from_ + index : picked_[from_ + index];
  }

  BulkRows& rows_;
  const std::vector<std::size_t>& picked_;
  const std::size_t from_;
  const std::size_t to_;
};

// Of a class that neither the standard nor PostgreSQL has: what a trigger
// raises with USING ERRCODE.
bool IsOwnCode(std::string_view sqlstate) {
  const char first = sqlstate[0];
  const bool is_standard =
      (first >= '0' && first <= '5') || (first >= 'A' && first <= 'H');
  return !is_standard && !sqlstate.starts_with("72") &&
         !sqlstate.starts_with("P0") && !sqlstate.starts_with("XX");
}

// A SQLSTATE has five characters: classes 22 (data), 23 (constraints), 44
// (WITH CHECK OPTION), 54000 (a row too large for an index), and what PL/pgSQL
// raises.
bool IsAboutData(std::string_view sqlstate) {
  return sqlstate.starts_with("22") || sqlstate.starts_with("23") ||
         sqlstate.starts_with("44") || sqlstate == "54000" ||
         sqlstate == "P0001" || IsOwnCode(sqlstate);
}

// Its code is that of a table that may not be written at all; so it is known by
// its words, where the server speaks English.
bool IsAgainstPolicy(std::string_view sqlstate, const absl::Status& status) {
  return sqlstate == "42501" &&
         absl::StrContains(status.message(), "new row violates row-level");
}

// TOOBIG, CONSTRAINT and MISMATCH, in the low byte of the extended code.
bool IsAboutData(int sqlite_code) {
  const int code = sqlite_code & 0xff;
  return code == 18 || code == 19 || code == 20;
}

// Whether the row may get in when others of its batch are there: it refers to
// them, or a trigger looks for them.
bool MayDependOnOthers(const absl::Status& refusal) {
  const std::string code = DatabaseCode(refusal).value_or("");
  constexpr char kSqliteForeignKey[] = "787";
  constexpr char kSqliteTrigger[] = "1811";
  return code == "23503" || code == kSqliteForeignKey ||
         code == kSqliteTrigger || code == "P0001" ||
         (code.size() == 5 && IsOwnCode(code));
}

// Bulk operations count rows from their first one, which is not the load's.
absl::Status WithoutRow(const RefusedRow& row) {
  const std::string prefix = absl::StrCat("row ", row.position + 1, ": ");
  const absl::Status& named = row.reason;
  absl::Status reason(named.code(), absl::StripPrefix(named.message(), prefix));
  named.ForEachPayload(
      [&reason](absl::string_view type, const absl::Cord& payload) {
        reason.SetPayload(type, payload);
      });
  return reason;
}

}  // namespace

bool IsRefusedByDatabase(const absl::Status& status) {
  if (IsValueError(status)) return true;
  const std::optional<std::string> code = DatabaseCode(status);
  if (!code.has_value()) return false;
  if (code->size() == 5) {
    return IsAboutData(*code) || IsAgainstPolicy(*code, status);
  }
  int number = 0;
  return absl::SimpleAtoi(*code, &number) && IsAboutData(number);
}

LoadBatch::LoadBatch(SessionCore* session, BulkRows* rows,
                     const BulkOptions& options, bool stops)
    : session_(*session), rows_(*rows), options_(options), stops_(stops) {
  options_.skip_refused = true;
}

absl::Status LoadBatch::CheckDeferred() {
  for (const std::shared_ptr<Engine>& engine : check_at_) {
    SHARD_RETURN_IF_ERROR(
        session_
            .Execute(sql::TextSql("SET CONSTRAINTS ALL IMMEDIATE"), {},
                     OnEngine(engine), {})
            .status());
  }
  return absl::OkStatus();
}

absl::Status LoadBatch::Write() {
  std::size_t tried = rows_.size();
  SHARD_RETURN_IF_ERROR(WriteRange(0, tried));
  while (!waiting_.empty() && waiting_.size() < tried) {
    tried = waiting_.size();
    SHARD_RETURN_IF_ERROR(TryAgain());
  }
  for (const Waiting& row : waiting_) Refuse(row.index, row.refusal);
  return absl::OkStatus();
}

void LoadBatch::Refuse(std::size_t index, const absl::Status& refusal) {
  const std::size_t position = rows_.position(index);
  refused_.push_back({position, WithoutRow({position, refusal})});
}

// From behind in turn: such rows often refer all in one direction, and alone
// each gets in only behind the one that it refers to.
absl::Status LoadBatch::TryAgain() {
  picked_.clear();
  for (const Waiting& row : waiting_) picked_.push_back(row.index);
  std::reverse(picked_.begin(), picked_.end());
  waiting_.clear();
  return WriteRange(0, picked_.size());
}

absl::Status LoadBatch::WriteRange(std::size_t from, std::size_t to) {
  SHARD_RETURN_IF_ERROR(session_.BeginNested());
  SomeRows range(&rows_, picked_, from, to);
  const absl::StatusOr<BulkReport> report =
      session_.Bulk(BulkKind::kInsert, range, options_, {});
  const absl::Status status = report.ok() ? CheckDeferred() : report.status();
  if (status.ok()) {
    inserted_ += report->inserted;
    for (const RefusedRow& row : report->refused) {
      refused_.push_back({row.position, WithoutRow(row)});
    }
    return session_.CommitNested();
  }
  if (!IsRefusedByDatabase(status)) return status;
  SHARD_RETURN_IF_ERROR(session_.RollbackNested());
  return WriteHalves(from, to, status);
}

absl::Status LoadBatch::WriteHalves(std::size_t from, std::size_t to,
                                    const absl::Status& refusal) {
  if (to - from == 1) {
    const std::size_t index = picked_.empty() ? from : picked_[from];
    if (MayDependOnOthers(refusal)) {
      waiting_.push_back({index, refusal});
    } else {
      Refuse(index, refusal);
    }
    return absl::OkStatus();
  }
  const std::size_t middle = from + (to - from) / 2;
  SHARD_RETURN_IF_ERROR(WriteRange(from, middle));
  return is_over() ? absl::OkStatus() : WriteRange(middle, to);
}

}  // namespace shard
