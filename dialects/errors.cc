#include "shard/dialects/errors.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard {
namespace {
// Enough to recognise a statement by; a multi-row INSERT would fill pages.
constexpr std::size_t kMostStatementBytes = 240;

constexpr char kValueErrorPayload[] = "shardsession/value-error";
}  // namespace

absl::Status DatabaseError(absl::StatusCode code, std::string_view words,
                           std::string_view statement,
                           std::string_view database_code) {
  std::string message(words);
  if (!statement.empty()) {
    absl::StrAppend(&message, "; statement: ",
                    ToAbsl(statement.substr(0, kMostStatementBytes)),
                    statement.size() > kMostStatementBytes ? "..." : "");
  }
  absl::Status status(code, message);
  if (!database_code.empty()) {
    status.SetPayload(kDatabaseCodePayload, absl::Cord(ToAbsl(database_code)));
  }
  return status;
}

std::optional<std::string> DatabaseCode(const absl::Status& status) {
  const auto payload = status.GetPayload(kDatabaseCodePayload);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

absl::Status ValueError(absl::Status status) {
  status.SetPayload(kValueErrorPayload, absl::Cord());
  return status;
}

bool IsValueError(const absl::Status& status) {
  return status.GetPayload(kValueErrorPayload).has_value();
}

absl::Status Annotate(const absl::Status& status, std::string_view where) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(),
                         absl::StrCat(ToAbsl(where), ": ", status.message()));
  status.ForEachPayload(
      [&annotated](absl::string_view type, const absl::Cord& payload) {
        annotated.SetPayload(type, payload);
      });
  return annotated;
}

}  // namespace shard
