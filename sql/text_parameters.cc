#include "shard/sql/text_parameters.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard::sql {
namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsNameChar(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }
// Identifiers and dollar tags, unlike our parameters, may go beyond ASCII.
bool IsWordStart(char c) {
  return IsNameStart(c) || static_cast<unsigned char>(c) >= 0x80;
}
bool IsWordChar(char c) { return IsNameChar(c) || IsWordStart(c); }

// Where the quoted piece that starts at `begin` ends (one past it), or npos. A
// doubled quote needs no care: it ends one string and starts the next.
std::size_t SkipQuoted(std::string_view sql, std::size_t begin) {
  const std::size_t end = sql.find(sql[begin], begin + 1);
  return end == std::string_view::npos ? end : end + 1;
}

// E'...' of PostgreSQL, where a backslash escapes the quote, and so does
// another quote: what follows it is still an E string.
std::size_t SkipEscapeString(std::string_view sql, std::size_t quote) {
  for (std::size_t i = quote + 1; i < sql.size(); ++i) {
    if (sql[i] == '\\') {
      ++i;
    } else if (sql[i] == '\'') {
      if (i + 1 == sql.size() || sql[i + 1] != '\'') return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

// $tag$...$tag$ of PostgreSQL. Not a dollar quote at all: `begin`.
std::size_t SkipDollarQuoted(std::string_view sql, std::size_t begin) {
  std::size_t end_of_tag = begin + 1;
  while (end_of_tag < sql.size() && IsWordChar(sql[end_of_tag])) ++end_of_tag;
  if (end_of_tag >= sql.size() || sql[end_of_tag] != '$' ||
      (end_of_tag > begin + 1 && !IsWordStart(sql[begin + 1]))) {
    return begin;
  }
  const std::string_view tag = sql.substr(begin, end_of_tag - begin + 1);
  const std::size_t end = sql.find(tag, end_of_tag + 1);
  return end == std::string_view::npos ? end : end + tag.size();
}

// Block comments nest in PostgreSQL; in SQLite they do not, where a nested
// opening is rare enough to be read the same way.
std::size_t SkipBlockComment(std::string_view sql, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i + 1 < sql.size(); ++i) {
    if (sql[i] == '/' && sql[i + 1] == '*') {
      ++depth;
      ++i;
    } else if (sql[i] == '*' && sql[i + 1] == '/') {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  return std::string_view::npos;
}

// The end of what must be copied as it is and starts at `i`; `i` itself when
// nothing does.
std::size_t SkipOpaque(std::string_view sql, std::size_t i) {
  const char c = sql[i];
  const char next = i + 1 < sql.size() ? sql[i + 1] : '\0';
  const bool after_word = i > 0 && IsWordChar(sql[i - 1]);
  if ((c == 'e' || c == 'E') && next == '\'' && !after_word) {
    return SkipEscapeString(sql, i + 1);
  }
  if (c == '\'' || c == '"') return SkipQuoted(sql, i);
  if (c == '$' && !after_word) return SkipDollarQuoted(sql, i);
  if (c == '-' && next == '-') {
    const std::size_t end = sql.find('\n', i);
    return end == std::string_view::npos ? sql.size() : end;
  }
  if (c == '/' && next == '*') return SkipBlockComment(sql, i);
  if (c == ':' && next == ':') return i + 2;
  return i;
}

}  // namespace

absl::StatusOr<std::vector<TextPiece>> SplitParameters(std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("SQL text has a NUL byte; remove it");
  }
  std::vector<TextPiece> pieces;
  std::string literal;
  std::size_t i = 0;
  while (i < sql.size()) {
    const std::size_t end = SkipOpaque(sql, i);
    if (end == std::string_view::npos) {
      return absl::InvalidArgumentError(
          "SQL text has a quote or comment that does not end; close it");
    }
    if (end > i) {
      literal.append(sql.substr(i, end - i));
      i = end;
    } else if (sql[i] == '\\' && i + 1 < sql.size() && sql[i + 1] == ':') {
      literal.push_back(':');
      i += 2;
    } else if (sql[i] == ':' && i + 1 < sql.size() && IsNameStart(sql[i + 1])) {
      std::size_t name_end = i + 1;
      while (name_end < sql.size() && IsNameChar(sql[name_end])) ++name_end;
      if (!literal.empty()) pieces.push_back({false, std::move(literal)});
      literal.clear();
      pieces.push_back(
          {true, std::string(sql.substr(i + 1, name_end - i - 1))});
      i = name_end;
    } else {
      literal.push_back(sql[i++]);
    }
  }
  if (!literal.empty()) pieces.push_back({false, std::move(literal)});
  return pieces;
}

}  // namespace shard::sql
