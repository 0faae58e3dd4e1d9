#include "shard/dialects/postgres/run_task.h"

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard::postgres {
namespace {

// No type: only NULLs so far. No type of the server has this number.
constexpr TypeOid kNoneYet = ~TypeOid{0};
constexpr std::size_t kMostParameters = 65535;  // a 16-bit count on the wire

std::string DescribeParameter(const Request& request, std::size_t run,
                              std::size_t index) {
  std::string text = absl::StrCat("parameter ", index + 1);
  const std::string& name = request.statement->parameters[index].name;
  if (!name.empty()) absl::StrAppend(&text, " (", name, ")");
  if (request.runs > 1) absl::StrAppend(&text, " of run ", run + 1);
  return text;
}

}  // namespace

absl::Status CheckStatementText(std::string_view text) {
  if (text.find('\0') == text.npos) return absl::OkStatus();
  return absl::InvalidArgumentError("the statement has a NUL byte in its text");
}

absl::Status RunTask::Prepare(const Request& request) {
  request_ = request;
  count_ = request.statement->parameters.size();
  outcome_ = {};
  statement_ = nullptr;
  if (request.parameters.size() != count_ * request.runs) {
    return absl::InvalidArgumentError(
        absl::StrCat("the statement has ", count_, " parameters, so ",
                     request.runs, " runs need ", count_ * request.runs,
                     " values, not ", request.parameters.size()));
  }
  if (count_ > kMostParameters) {
    return absl::InvalidArgumentError(
        absl::StrCat("a statement of PostgreSQL has at most ", kMostParameters,
                     " parameters, not ", count_));
  }
  SHARD_RETURN_IF_ERROR(CheckStatementText(request.statement->text));
  types_.assign(count_, kNoneYet);
  types_differ_ = false;
  for (std::size_t run = 0; run < request.runs; ++run) {
    SHARD_RETURN_IF_ERROR(CheckRun(run));
  }
  SettleTypes();
  outcome_.affected.reserve(request.runs);
  return absl::OkStatus();
}

absl::Status RunTask::CheckRun(std::size_t run) {
  const auto values = Values(run);
  for (std::size_t i = 0; i < count_; ++i) {
    if (values[i].is_null()) continue;
    if (absl::Status status = CheckValue(values[i]); !status.ok()) {
      return Annotate(status, DescribeParameter(request_, run, i));
    }
    const TypeOid type =
        ParameterType(values[i], request_.statement->parameters[i].type);
    if (types_[i] == kNoneYet) {
      types_[i] = type;
    } else if (types_[i] != type) {
      types_differ_ = true;
    }
  }
  return absl::OkStatus();
}

// A parameter that is NULL in all runs has the type that is declared, if any.
void RunTask::SettleTypes() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (types_[i] != kNoneYet) continue;
    types_[i] =
        ParameterType(sql::ValueView(), request_.statement->parameters[i].type);
  }
}

void RunTask::TakeTypesOf(std::size_t run) {
  types_of_run_ = types_;
  const auto values = Values(run);
  for (std::size_t i = 0; i < count_; ++i) {
    if (values[i].is_null()) continue;
    types_of_run_[i] =
        ParameterType(values[i], request_.statement->parameters[i].type);
  }
}

const ParameterBuffer& RunTask::Encode(std::size_t run) {
  const std::vector<TypeOid>& types = types_differ_ ? types_of_run_ : types_;
  const auto values = Values(run);
  buffer_.Clear();
  for (std::size_t i = 0; i < count_; ++i) buffer_.Add(values[i], types[i]);
  return buffer_;
}

bool RunTask::Send(std::size_t step, Pipeline& pipeline) {
  if (types_differ_) TakeTypesOf(step);
  const std::vector<TypeOid>& types = types_differ_ ? types_of_run_ : types_;
  const std::string& text = request_.statement->text;
  if (types_differ_ || statement_ == nullptr) {
    statement_ = pipeline.state().statements().Find(text, types);
  }
  return pipeline.SendPrepared(statement_, text, types, Encode(step),
                               statement_->binary_rows);
}

absl::Status RunTask::Receive(std::size_t, const PGresult* result) {
  outcome_.affected.push_back(AffectedRows(result));
  if (PQresultStatus(result) != PGRES_TUPLES_OK) return absl::OkStatus();
  return reader_.Add(result);
}

absl::Status RunTask::Explain(std::size_t step,
                              const absl::Status& error) const {
  if (request_.runs == 1) return error;
  return Annotate(error, absl::StrCat("run ", step + 1));
}

Outcome RunTask::TakeOutcome() {
  reader_.Finish();
  return std::exchange(outcome_, {});
}

}  // namespace shard::postgres
