#include "shard/dialects/sqlite/sqlite_redo_format.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/sqlite/sqlite_words.h"

namespace shard::testing {
namespace {

// Bytes that this release has written must be read by all later ones.
constexpr char kFirstRedo[] =
    "5352444f01"  // SRDO, version 1
    "01"          // one table
    "0161"        // a
    "02"
    "01026964"
    "000176"  // two columns: id, in the key, and v
    "02"      // two sequences
    "0161"
    "feffffffffffffff"  // a: -2
    "0162"
    "0001000000000000"   // b: 256
    "54"                 // the changeset
    "e65a70351baec11d";  // the seal

std::string Written() {
  const SqliteRedo::Table table{"a", {{"id", true}, {"v", false}}};
  const std::string bytes = FormatRedoTable(table);
  std::string redo = FormatRedoHead({bytes}, {{"a", -2}, {"b", 256}});
  redo += "T";
  SealRedo(&redo);
  return redo;
}

TEST(SqliteRedoFormatTest, StaysAsItIs) {
  EXPECT_EQ(absl::BytesToHexString(Written()), kFirstRedo);
  const std::string bytes = absl::HexStringToBytes(kFirstRedo);
  const absl::StatusOr<SqliteRedo> redo = ParseSqliteRedo(bytes);
  SHARD_ASSERT_OK(redo);
  ASSERT_EQ(redo->tables.size(), 1u);
  EXPECT_EQ(redo->tables[0].name, "a");
  ASSERT_EQ(redo->tables[0].columns.size(), 2u);
  EXPECT_EQ(redo->tables[0].columns[0], (SqliteRedo::Column{"id", true}));
  EXPECT_EQ(redo->tables[0].columns[1], (SqliteRedo::Column{"v", false}));
  ASSERT_EQ(redo->sequences.size(), 2u);
  EXPECT_EQ(redo->sequences[0].table, "a");
  EXPECT_EQ(redo->sequences[0].value, -2);
  EXPECT_EQ(redo->sequences[1].value, 256);
  EXPECT_EQ(redo->changeset, "T");
}

TEST(SqliteRedoFormatTest, LongNamesAndNoTables) {
  const std::string name(300, 'n');
  const std::string table = FormatRedoTable({name, {{name, true}}});
  std::string redo = FormatRedoHead({table, table}, {});
  SealRedo(&redo);
  const absl::StatusOr<SqliteRedo> parsed = ParseSqliteRedo(redo);
  SHARD_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->tables[1].columns[0].name, name);
  EXPECT_EQ(parsed->changeset, "");
  std::string empty = FormatRedoHead({}, {});
  SealRedo(&empty);
  SHARD_EXPECT_OK(ParseSqliteRedo(empty));
}

TEST(SqliteRedoFormatTest, RefusesOtherBytes) {
  EXPECT_THAT(ParseSqliteRedo(""), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParseSqliteRedo(std::string(64, 'x')),
              HasCode(absl::StatusCode::kDataLoss));
  std::string redo = Written();
  redo[4] = 9;
  EXPECT_THAT(ParseSqliteRedo(redo), HasCode(absl::StatusCode::kUnimplemented));
  // Counts that are whole, but lie.
  for (const char* body : {"ff", "ffffffffffffffffffff01", "01ff", "0000ff"}) {
    std::string lie = absl::HexStringToBytes(absl::StrCat("5352444f01", body));
    SealRedo(&lie);
    const absl::StatusOr<SqliteRedo> parsed = ParseSqliteRedo(lie);
    EXPECT_TRUE(!parsed.ok() || parsed->tables.empty()) << body;
  }
}

TEST(SqliteWordsTest, SplitsAsSqliteDoes) {
  const auto words = SplitSqliteText(
      "a.b -- c\n/* d */'e''f' \"g\"\"h\" [i j] `k` \xc3\xa9$1(=");
  std::string shown;
  for (const SqliteWord& word : words) {
    shown += absl::StrCat(static_cast<int>(word.kind), word.text, " ");
  }
  EXPECT_EQ(shown, "0a 3. 0b 2e'f 1g\"h 1i j 1k 0\xc3\xa9$1 3( 3= ");
  for (const char* open : {"'x", "\"x", "[x", "/* x", "-- x", "'"}) {
    EXPECT_LE(SplitSqliteText(open).size(), 1u) << open;
  }
}

TEST(SqliteWordsTest, FindsKeywordsAndRowNumbers) {
  EXPECT_TRUE(HasSqliteKeywords("a On/**/CONFLICT b", {"ON", "CONFLICT"}));
  EXPECT_FALSE(HasSqliteKeywords("'ON CONFLICT'", {"ON", "CONFLICT"}));
  EXPECT_FALSE(HasSqliteKeywords("\"ON\" CONFLICT", {"ON", "CONFLICT"}));
  EXPECT_TRUE(MentionsRowNumber("SELECT new.RowId"));
  EXPECT_TRUE(MentionsRowNumber("SELECT \"oid\""));
  EXPECT_FALSE(MentionsRowNumber("SELECT 'rowid', rowids"));
}

TEST(SqliteWordsTest, ReadsModules) {
  const SqliteModule module = ReadSqliteModule(
      "CREATE VIRTUAL TABLE \"f\" USING FTS5(title, body, content='', "
      "content_rowid = \"the id\", tokenize='porter ascii')");
  EXPECT_EQ(module.name, "fts5");
  ASSERT_NE(module.Option("CONTENT"), nullptr);
  EXPECT_EQ(module.Option("content")->text, "");
  EXPECT_EQ(module.Option("content_rowid")->text, "the id");
  EXPECT_EQ(module.Option("prefix"), nullptr);
  EXPECT_EQ(ReadSqliteModule("CREATE TABLE t(a)").name, "");
  EXPECT_EQ(ReadSqliteModule("CREATE VIRTUAL TABLE t USING dbstat").name,
            "dbstat");
}

}  // namespace
}  // namespace shard::testing
