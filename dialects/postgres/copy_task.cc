#include "shard/dialects/postgres/copy_task.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/insert_task.h"
#include "shard/dialects/postgres/insert_text.h"
#include "shard/dialects/postgres/numeric_form.h"

namespace shard::postgres {
namespace {

// With fewer rows the look at the catalogue, and the wait until the server is
// ready for them, cost about what COPY saves.
constexpr std::size_t kFewestRows = 3'000;

std::optional<CopyForm> FormOf(const sql::Column& column,
                               const TableFacts& facts) {
  const auto type = facts.types.find(column.name());
  if (type == facts.types.end()) return std::nullopt;
  return CopyFormOf(column.type(), type->second);
}

bool IsSent(const InsertRequest& request, std::string_view column) {
  const auto is_it = [column](const sql::Column* c) {
    return c->name() == column;
  };
  return (request.generated_key != nullptr && is_it(request.generated_key)) ||
         std::any_of(request.columns.begin(), request.columns.end(), is_it);
}

bool ArePlainNumerics(const InsertRequest& request, std::size_t column) {
  const std::size_t count = request.columns.size();
  for (std::size_t i = column; i < request.values.size(); i += count) {
    const sql::ValueView& value = request.values[i];
    if (!value.is_null() && !IsPlainNumeric(value.bytes())) return false;
  }
  return true;
}

// "{1,2,3}"; false when it is something else.
bool ReadNumbers(std::string_view text, std::vector<std::int64_t>* numbers) {
  if (!text.starts_with('{') || !text.ends_with('}')) return false;
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size() - 1;
  while (at < end) {
    std::int64_t number = 0;
    const auto [behind, error] = std::from_chars(at, end, number);
    if (error != std::errc() || (behind != end && *behind != ',')) return false;
    numbers->push_back(number);
    at = behind + 1;
  }
  return true;
}

}  // namespace

bool IsWorthCopying(const InsertRequest& request) {
  return request.rows >= kFewestRows && request.fetched.empty();
}

bool MayCopy(const InsertRequest& request, const TableFacts& facts) {
  if (!facts.takes_copy) return false;
  if (request.generated_key != nullptr) {
    if (!facts.has_sequence || facts.changes_rows ||
        !CopyFormOfKey(facts.key_type).has_value()) {
      return false;
    }
  } else if (request.columns.empty()) {
    return false;
  }
  for (const std::string& domain : facts.domains) {
    if (!IsSent(request, domain)) return false;
  }
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    const std::optional<CopyForm> form = FormOf(*request.columns[i], facts);
    if (!form.has_value()) return false;
    if (*form == CopyForm::kNumeric && !ArePlainNumerics(request, i)) {
      return false;
    }
  }
  return true;
}

absl::Status CopyTask::Prepare(const InsertRequest& request,
                               const TableFacts& facts) {
  SHARD_ASSIGN_OR_RETURN(text_, CopyText(request));
  request_ = request;
  facts_ = &facts;
  pages_.Cut(request);
  forms_.clear();
  if (request.generated_key != nullptr) {
    forms_.push_back(*CopyFormOfKey(facts.key_type));
  }
  for (const sql::Column* column : request.columns) {
    forms_.push_back(*FormOf(*column, facts));
  }
  keys_.clear();
  rows_in_ = 0;
  refused_ = false;
  return absl::OkStatus();
}

absl::StatusOr<std::string> CopyTask::Message(bool fresh) const {
  SHARD_ASSIGN_OR_RETURN(std::string text,
                         CopyGuardText(request_, *facts_, fresh));
  for (std::size_t page = 0; page < pages(); ++page) {
    absl::StrAppend(&text, ";", text_);
  }
  return text;
}

absl::Status CopyTask::TakeGuard(const PGresult* result) {
  if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0)) {
    refused_ = true;
    return absl::OkStatus();
  }
  if (request_.generated_key != nullptr) {
    keys_.reserve(request_.rows);
    const std::string_view text(
        PQgetvalue(result, 0, 0),
        static_cast<std::size_t>(PQgetlength(result, 0, 0)));
    if (!ReadNumbers(text, &keys_) || keys_.size() != request_.rows) {
      return KeysChanged(request_);
    }
    refused_ = !KeysFit();  // an INSERT says so in the server's words
  }
  encoder_.Start(forms_, request_.values, keys_);
  return absl::OkStatus();
}

bool CopyTask::KeysFit() const {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  if (forms_[0] == CopyForm::kInt2) {
    least = std::numeric_limits<std::int16_t>::min();
    most = std::numeric_limits<std::int16_t>::max();
  } else if (forms_[0] == CopyForm::kInt4) {
    least = std::numeric_limits<std::int32_t>::min();
    most = std::numeric_limits<std::int32_t>::max();
  }
  for (const std::int64_t key : keys_) {
    if (key < least || key > most) return false;
  }
  return true;
}

std::size_t CopyTask::parameters(std::size_t page) const {
  return rows(page) * request_.columns.size();
}

void CopyTask::StartPage(std::size_t page) {
  if (refused_) {
    encoder_.Start({}, {}, {});
    return encoder_.StartPage(0, 0);
  }
  encoder_.StartPage(pages_.begin(page), pages_.end(page));
}

void CopyTask::TakePage(const PGresult* result) {
  rows_in_ += static_cast<std::size_t>(CopiedRows(result));
}

absl::StatusOr<Outcome> CopyTask::TakeOutcome() {
  if (request_.returning && rows_in_ != request_.rows) {
    return RowsKeptOut(request_, rows_in_, text_);
  }
  Outcome outcome;
  outcome.affected.push_back(static_cast<std::int64_t>(rows_in_));
  outcome.keys = std::move(keys_);
  return outcome;
}

}  // namespace shard::postgres
