#include "shard/dialects/savepoint_text.h"

#include <cstddef>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

// Takes the first word off.
absl::string_view TakeWord(absl::string_view& text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  std::size_t end = 0;
  while (end < text.size() && absl::ascii_isalpha(text[end])) ++end;
  const absl::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

bool EndsSavepoint(absl::string_view statement) {
  absl::string_view word = TakeWord(statement);
  if (absl::EqualsIgnoreCase(word, "release")) return true;
  if (!absl::EqualsIgnoreCase(word, "rollback")) return false;
  word = TakeWord(statement);
  if (absl::EqualsIgnoreCase(word, "transaction") ||
      absl::EqualsIgnoreCase(word, "work")) {
    word = TakeWord(statement);
  }
  return absl::EqualsIgnoreCase(word, "to");
}

// Where the first statement ends, behind its semicolon if it has one.
std::size_t EndOfStatement(absl::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == ';' && !quoted) return i + 1;
  }
  return text.size();
}

}  // namespace

bool EndsSavepoints(std::string_view text) {
  absl::string_view rest = ToAbsl(text);
  do {
    const std::size_t end = EndOfStatement(rest);
    if (!EndsSavepoint(rest.substr(0, end))) return false;
    rest = absl::StripAsciiWhitespace(rest.substr(end));
  } while (!rest.empty());
  return true;
}

}  // namespace shard
