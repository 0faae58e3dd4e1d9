#include "shard/dialects/postgres/sqlstate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"

namespace shard::postgres {
namespace {

using Code = absl::StatusCode;

struct CodeRule {
  std::string_view prefix;  // of the SQLSTATE
  Code code;
};

// The first rule that fits counts.
constexpr std::array kRules = {
    CodeRule{"23505", Code::kAlreadyExists},
    CodeRule{"23", Code::kFailedPrecondition},
    CodeRule{"44", Code::kFailedPrecondition},   // WITH CHECK OPTION
    CodeRule{"40", Code::kAborted},              // serialization, deadlock
    CodeRule{"55P03", Code::kAborted},           // lock timeout, NOWAIT
    CodeRule{"08", Code::kUnavailable},          // connection
    CodeRule{"57P01", Code::kUnavailable},       // administrator's shutdown
    CodeRule{"57P02", Code::kUnavailable},       // crash
    CodeRule{"57P03", Code::kUnavailable},       // still starting
    CodeRule{"57P05", Code::kUnavailable},       // idle session timeout
    CodeRule{"25P03", Code::kUnavailable},       // idle in transaction timeout
    CodeRule{"25006", Code::kUnavailable},       // read-only server
    CodeRule{"25", Code::kFailedPrecondition},   // transaction state
    CodeRule{"53", Code::kResourceExhausted},    // disk, memory, connections
    CodeRule{"42501", Code::kPermissionDenied},  // privilege
    CodeRule{"28", Code::kPermissionDenied},     // password
    CodeRule{"3D000", Code::kNotFound},          // no such database
    CodeRule{"0A", Code::kUnimplemented},        // not supported
    CodeRule{"42", Code::kInvalidArgument},      // SQL
    CodeRule{"22", Code::kInvalidArgument},      // data
    CodeRule{"21", Code::kInvalidArgument},      // cardinality
    CodeRule{"3F", Code::kInvalidArgument},      // no such schema
    CodeRule{"54", Code::kInvalidArgument},      // too complex
    CodeRule{"24", Code::kFailedPrecondition},   // cursor state
    CodeRule{"34", Code::kFailedPrecondition},   // no such cursor
    CodeRule{"3B", Code::kFailedPrecondition},   // no such savepoint
    CodeRule{"55", Code::kFailedPrecondition},   // object state
    CodeRule{"P0", Code::kFailedPrecondition},   // raised by a function
    CodeRule{"26", Code::kAborted},  // prepared statement gone: made anew next
};

std::string_view Field(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string_view() : text;
}

// Cuts what stands between the first and the last quote: values may hold quotes
// themselves. The server's language decides which quotes it uses.
std::string CutQuoted(std::string_view message) {
  std::size_t begin = message.size();
  std::size_t end = 0;
  for (const std::string_view quote :
       {"\"", "«", "»", "„", "“", "”", "‹", "›", "「", "」"}) {
    const std::size_t first = message.find(quote);
    if (first == message.npos) continue;
    begin = std::min(begin, first);
    end = std::max(end, message.rfind(quote) + quote.size());
  }
  if (begin == message.size()) return std::string(message);
  return absl::StrCat(ToAbsl(message.substr(0, begin)), "...",
                      ToAbsl(message.substr(end)));
}

// Names the constraint that failed: the primary message often does, not always.
void AppendNames(const PGresult* result, std::string* words) {
  const std::string_view table = Field(result, PG_DIAG_TABLE_NAME);
  const std::string_view column = Field(result, PG_DIAG_COLUMN_NAME);
  const std::string_view constraint = Field(result, PG_DIAG_CONSTRAINT_NAME);
  if (!table.empty()) absl::StrAppend(words, "; table: ", ToAbsl(table));
  if (!column.empty()) absl::StrAppend(words, "; column: ", ToAbsl(column));
  if (!constraint.empty()) {
    absl::StrAppend(words, "; constraint: ", ToAbsl(constraint));
  }
}

// The SQLSTATE in "FATAL:  28P01: password ..."; cuts it out of the line.
std::string TakeSqlState(std::string* line) {
  constexpr std::size_t kLength = 5;
  for (std::size_t at = line->find(":  "); at != line->npos;
       at = line->find(":  ", at + 1)) {
    const std::size_t code = at + 3;
    if (line->compare(code + kLength, 2, ": ") != 0) continue;
    const std::string found = line->substr(code, kLength);
    if (!std::all_of(found.begin(), found.end(), [](unsigned char c) {
          return std::isdigit(c) || std::isupper(c);
        })) {
      continue;
    }
    line->erase(code - 1, kLength + 2);
    return found;
  }
  return "";
}

}  // namespace

absl::StatusCode CodeOfSqlState(std::string_view sqlstate,
                                std::string_view message) {
  if (sqlstate == "57014") {
    // Its statement_timeout, or somebody's request: only the words tell, in the
    // server's language. Those that we cannot read are more likely the former,
    // after which callers ask what has happened, and are safe.
    return message.find("user request") != message.npos
               ? Code::kCancelled
               : Code::kDeadlineExceeded;
  }
  for (const CodeRule& rule : kRules) {
    if (sqlstate.substr(0, rule.prefix.size()) == rule.prefix) return rule.code;
  }
  return Code::kInternal;
}

std::string WithoutValues(std::string_view sqlstate, std::string_view message) {
  if (sqlstate == "22021" || sqlstate == "22P05") {
    return "text that does not fit the encoding of the database";
  }
  if (sqlstate.substr(0, 2) == "22") return CutQuoted(message);
  return std::string(message);
}

absl::Status ErrorOfResult(const PGresult* result, std::string_view statement) {
  const std::string_view sqlstate = Field(result, PG_DIAG_SQLSTATE);
  const std::string_view message = Field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (sqlstate.empty()) {  // libpq's own
    return DatabaseError(
        Code::kUnavailable,
        ToStd(absl::StripAsciiWhitespace(PQresultErrorMessage(result))),
        statement, "");
  }
  std::string words = WithoutValues(sqlstate, message);
  if (sqlstate.substr(0, 2) == "23") AppendNames(result, &words);
  if (sqlstate == "42P18") {
    absl::StrAppend(&words, " (write CAST(... AS type) around it)");
  }
  // Tables changed under a prepared statement: made anew, it works.
  const bool stale =
      Field(result, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery";
  return DatabaseError(
      stale ? Code::kAborted : CodeOfSqlState(sqlstate, message), words,
      statement, sqlstate);
}

absl::Status ErrorOfLostConnection(const PGconn* connection,
                                   std::string_view statement) {
  std::string words = "connection lost";
  const std::vector<std::string> lines =
      absl::StrSplit(PQerrorMessage(connection), '\n', absl::SkipWhitespace());
  if (!lines.empty()) absl::StrAppend(&words, ": ", lines.front());
  return DatabaseError(Code::kUnavailable, words, statement, "08006");
}

absl::Status ErrorOfConnecting(const PGconn* connection) {
  std::vector<std::string> lines;
  std::string sqlstate;
  for (absl::string_view part : absl::StrSplit(PQerrorMessage(connection), '\n',
                                               absl::SkipWhitespace())) {
    std::string line(absl::StripAsciiWhitespace(part));
    if (line.rfind("LOCATION:", 0) == 0) continue;
    if (std::string found = TakeSqlState(&line); !found.empty()) {
      sqlstate = found;
    }
    lines.push_back(line);
  }
  const std::string words =
      lines.empty() ? "cannot connect" : absl::StrJoin(lines, "; ");
  Code code = Code::kUnavailable;
  if (!sqlstate.empty()) {
    code = CodeOfSqlState(sqlstate, words);
  } else if (PQconnectionNeedsPassword(connection)) {
    code = Code::kPermissionDenied;
  }
  return DatabaseError(code, words, "", sqlstate);
}

absl::Status RolledBack(std::string_view statement) {
  return DatabaseError(Code::kAborted,
                       "the transaction had failed before, so the server "
                       "rolled it back instead",
                       statement, "25P02");
}

absl::Status CopyRefused(std::string_view statement) {
  return DatabaseError(Code::kUnimplemented,
                       "COPY from or to the client is not supported", statement,
                       "");
}

}  // namespace shard::postgres
