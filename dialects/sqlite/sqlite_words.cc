#include "shard/dialects/sqlite/sqlite_words.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '_' || c == '$' || byte >= 0x80;
}

class Splitter {
 public:
  explicit Splitter(std::string_view sql) : rest_(sql) {}

  std::vector<SqliteWord> Split() {
    while (!rest_.empty()) Next();
    return std::move(words_);
  }

 private:
  void Next() {
    const char first = rest_.front();
    if (absl::ascii_isspace(static_cast<unsigned char>(first))) {
      rest_.remove_prefix(1);
    } else if (rest_.substr(0, 2) == "--") {
      Skip("\n");
    } else if (rest_.substr(0, 2) == "/*") {
      rest_.remove_prefix(2);
      Skip("*/");
    } else if (first == '\'' || first == '"' || first == '`') {
      TakeQuoted(first);
    } else if (first == '[') {
      TakeBracketed();
    } else if (IsWordByte(first)) {
      TakeBare();
    } else {
      Take(SqliteWord::kSymbol, 1);
    }
  }

  // Past the next place where that text stands, or to the end.
  void Skip(std::string_view end) {
    const std::size_t at = rest_.find(end);
    rest_ = at == std::string_view::npos ? std::string_view()
                                         : rest_.substr(at + end.size());
  }

  void Take(SqliteWord::Kind kind, std::size_t bytes) {
    words_.push_back({kind, std::string(rest_.substr(0, bytes))});
    rest_.remove_prefix(bytes);
  }

  void TakeBare() {
    const auto* end = std::find_if_not(rest_.begin(), rest_.end(), &IsWordByte);
    Take(SqliteWord::kBare, static_cast<std::size_t>(end - rest_.begin()));
  }

  void TakeQuoted(char quote) {
    SqliteWord word;
    word.kind = quote == '\'' ? SqliteWord::kString : SqliteWord::kQuoted;
    std::size_t at = 1;
    for (; at < rest_.size(); ++at) {
      if (rest_[at] == quote) {
        if (at + 1 == rest_.size() || rest_[at + 1] != quote) break;
        ++at;  // a doubled quote stands for itself
      }
      word.text += rest_[at];
    }
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    words_.push_back(std::move(word));
  }

  void TakeBracketed() {
    const std::size_t end = std::min(rest_.find(']'), rest_.size());
    words_.push_back(
        {SqliteWord::kQuoted, std::string(rest_.substr(1, end - 1))});
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
  }

  std::string_view rest_;
  std::vector<SqliteWord> words_;
};

bool IsKeyword(const SqliteWord& word, std::string_view keyword) {
  return word.kind == SqliteWord::kBare && word.Is(keyword);
}

}  // namespace

bool SqliteWord::Is(std::string_view word) const {
  return absl::EqualsIgnoreCase(text, ToAbsl(word));
}

std::vector<SqliteWord> SplitSqliteText(std::string_view sql) {
  return Splitter(sql).Split();
}

bool HasSqliteKeywords(std::string_view sql,
                       std::initializer_list<std::string_view> keywords) {
  const std::vector<SqliteWord> words = SplitSqliteText(sql);
  return std::search(words.begin(), words.end(), keywords.begin(),
                     keywords.end(), &IsKeyword) != words.end();
}

bool MentionsRowNumber(std::string_view sql) {
  const std::vector<SqliteWord> words = SplitSqliteText(sql);
  return std::any_of(words.begin(), words.end(), [](const SqliteWord& word) {
    if (word.kind == SqliteWord::kString) return false;
    return word.Is("rowid") || word.Is("_rowid_") || word.Is("oid");
  });
}

const SqliteWord* SqliteModule::Option(std::string_view option) const {
  for (std::size_t i = 0; i + 1 < options.size(); i += 2) {
    if (options[i].Is(option)) return &options[i + 1];
  }
  return nullptr;
}

SqliteModule ReadSqliteModule(std::string_view sql) {
  SqliteModule module;
  const std::vector<SqliteWord> words = SplitSqliteText(sql);
  const auto is_virtual = words.size() > 1 && IsKeyword(words[1], "VIRTUAL");
  const auto use = std::find_if(
      words.begin(), words.end(),
      [](const SqliteWord& word) { return IsKeyword(word, "USING"); });
  if (!is_virtual || words.end() - use < 2) return module;
  module.name = absl::AsciiStrToLower(use[1].text);
  for (auto at = use + 2; words.end() - at > 2; ++at) {
    if (at[1].kind != SqliteWord::kSymbol || at[1].text != "=") continue;
    module.options.push_back(at[0]);
    module.options.push_back(at[2]);
  }
  return module;
}

}  // namespace shard
