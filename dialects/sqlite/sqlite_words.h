// The words of an SQL text that SQLite keeps: sqlite_schema.sql.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_WORDS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_WORDS_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace shard {

struct SqliteWord {
  enum Kind {
    kBare,    // a keyword, a name or a number
    kQuoted,  // "name", `name` or [name]
    kString,  // 'text'
    kSymbol,  // one character
  };
  Kind kind = kBare;
  std::string text;  // without the quotes

  // Without regard to case, as SQLite reads keywords and names.
  bool Is(std::string_view word) const;
};

// Comments and white space are left out. Any text will do; it is split as
// SQLite would.
std::vector<SqliteWord> SplitSqliteText(std::string_view sql);

// Whether those keywords stand there, one behind the other.
bool HasSqliteKeywords(std::string_view sql,
                       std::initializer_list<std::string_view> keywords);

// Whether one of a table's three names for the number of a row is a word there.
bool MentionsRowNumber(std::string_view sql);

// A virtual table, by its CREATE statement.
struct SqliteModule {
  std::string name;                 // "fts5"; empty: it is no virtual table
  std::vector<SqliteWord> options;  // name and value by turns
  const SqliteWord* Option(std::string_view name) const;
};
SqliteModule ReadSqliteModule(std::string_view sql);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_WORDS_H_
