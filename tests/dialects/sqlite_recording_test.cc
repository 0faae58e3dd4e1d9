// Work that is recorded, lost and done again leads to the same file as work
// that is committed.
#include "shard/dialects/sqlite/sqlite_recording.h"

#include <string>

#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/tests/dialects/sqlite_recording_support.h"

namespace shard::testing {
namespace {

struct Case {
  const char* name;
  const char* schema;
  const char* work;
};

std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class SqliteRecordedTest : public SqliteRecordingTest,
                           public ::testing::WithParamInterface<Case> {};

TEST_P(SqliteRecordedTest, LeadsToTheSameFile) {
  MakeBase(GetParam().schema);
  ExpectSameThreeWays(GetParam().work);
}

constexpr char kAccounts[] =
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT, cents INTEGER);"
    "INSERT INTO account VALUES (1, 'ann', 100), (2, 'bob', 200), (3, 'cy', 5)";

constexpr Case kRows[] = {
    {"Nothing", kAccounts, ""},
    {"InsertUpdateDelete", kAccounts,
     "INSERT INTO account VALUES (4, 'dee', 7);"
     "UPDATE account SET cents = cents - 1 WHERE id < 3;"
     "DELETE FROM account WHERE id = 3"},
    {"OneRowOverAndOver", kAccounts,
     "UPDATE account SET cents = 1 WHERE id = 1; DELETE FROM account WHERE id "
     "= 1; INSERT INTO account VALUES (1, 'new', 3); INSERT INTO account "
     "VALUES (9, 'gone', 3); DELETE FROM account WHERE id = 9"},
    {"KindsOfValues",
     "CREATE TABLE v(id INTEGER PRIMARY KEY, a, b REAL, c TEXT)",
     "INSERT INTO v VALUES (1, 1, 1, 1), (2, 1.0, 1.5, 'x'), (3, x'00ff', "
     "-0.0, "
     "x'61'), (4, NULL, 9e999, char(0, 65)), (5, '', 3, ''), (6, x'', 1, NULL),"
     "(-9223372036854775808, 9223372036854775807, 1e-310, '\u00e4\u4e2d')"},
    {"TruncatingDelete", kAccounts, "DELETE FROM account"},
    {"TruncatingDeleteInATrigger",
     "CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE log(id INTEGER "
     "PRIMARY KEY); INSERT INTO log VALUES (1), (2); CREATE TRIGGER clear "
     "AFTER "
     "INSERT ON t BEGIN DELETE FROM log; END",
     "INSERT INTO t VALUES (1)"},
    {"InsertFromAnotherTable",
     "CREATE TABLE a(k TEXT PRIMARY KEY NOT NULL, v); CREATE TABLE b(k TEXT "
     "PRIMARY KEY NOT NULL, v); INSERT INTO a VALUES ('x', 1), ('y', 2);"
     "CREATE TABLE c(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
     "CREATE TABLE d(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
     "INSERT INTO c SELECT * FROM a",
     "INSERT INTO b SELECT * FROM a; INSERT INTO d SELECT * FROM c"},
    {"Upserts", kAccounts,
     "INSERT INTO account VALUES (1, 'ann', 1), (7, 'gil', 2) ON CONFLICT (id) "
     "DO UPDATE SET cents = cents + excluded.cents; INSERT INTO account VALUES "
     "(2, 'no', 0) ON CONFLICT DO NOTHING"},
    {"Replace",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT UNIQUE, v);"
     "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
     "REPLACE INTO t VALUES (1, 'a', 9); REPLACE INTO t VALUES (4, 'b', 8);"
     "UPDATE OR REPLACE t SET email = 'c' WHERE id = 1"},
    {"KeyChanges", kAccounts,
     "UPDATE account SET id = id + 10; UPDATE account SET id = 1 WHERE id = "
     "12"},
    {"KeySwap", kAccounts,
     "UPDATE account SET id = 0 WHERE id = 1; UPDATE account SET id = 1 WHERE "
     "id = 2; UPDATE account SET id = 2 WHERE id = 0"},
    {"ChainOfUniqueValues",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, u INTEGER UNIQUE);"
     "INSERT INTO t VALUES (1, 10), (2, 20), (3, 30), (4, 40)",
     "UPDATE t SET u = u + 10 WHERE id = 4; UPDATE t SET u = u + 10 WHERE id = "
     "3; UPDATE t SET u = u + 10 WHERE id = 2"},
    {"UniqueValueHandedOn",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE);"
     "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
     "DELETE FROM t WHERE id = 3; UPDATE t SET u = 'c' WHERE id = 2; INSERT "
     "INTO t VALUES (0, 'b'), (9, 'z')"},
    {"WithoutRowid",
     "CREATE TABLE t(a TEXT, b INTEGER, v, PRIMARY KEY (b, a)) WITHOUT ROWID;"
     "INSERT INTO t VALUES ('x', 1, 'p'), ('y', 1, 'q'), ('x', 2, 'r')",
     "UPDATE t SET v = 's' WHERE a = 'x'; UPDATE t SET b = 7 WHERE a = 'y';"
     "INSERT INTO t VALUES ('z', 1, NULL); DELETE FROM t WHERE b = 2"},
    {"Strict",
     "CREATE TABLE t(k ANY PRIMARY KEY NOT NULL, i INT, r REAL, b BLOB) STRICT;"
     "INSERT INTO t VALUES ('k', 1, 1, x'01')",
     "INSERT INTO t VALUES ('l', 2, 2, NULL); UPDATE t SET r = 3 WHERE k = "
     "'k'"},
    {"TextKeys",
     "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, v);"
     "INSERT INTO t VALUES ('a', 1), ('A', 2)",
     "UPDATE t SET v = v + 1; INSERT INTO t VALUES ('', 0), ('b', 3);"
     "UPDATE t SET k = 'c' WHERE k = 'a'"},
    {"NullableKeyWithoutNulls",
     "CREATE TABLE t(a TEXT, b TEXT, v, PRIMARY KEY (a, b));"
     "INSERT INTO t VALUES ('a', 'b', 1)",
     "UPDATE t SET v = 2; INSERT INTO t VALUES ('c', 'd', 3)"},
    {"Autoincrement",
     "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
     "CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
     "INSERT INTO t(v) VALUES (1)",
     "INSERT INTO t(v) VALUES (2), (3); DELETE FROM t WHERE id = 3;"
     "INSERT INTO u VALUES (40, 1); DELETE FROM u"},
    {"NumbersThatKeysOutgrow",
     "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
     "CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
     "CREATE TABLE w(id INTEGER PRIMARY KEY AUTOINCREMENT, v UNIQUE NOT NULL);"
     "INSERT INTO t VALUES (1, 1); INSERT INTO u VALUES (1, 1); INSERT INTO w "
     "VALUES (1, 1); DELETE FROM sqlite_sequence WHERE name = 'u'",
     "UPDATE t SET id = 9; UPDATE u SET id = 9; INSERT OR IGNORE INTO w(v) "
     "VALUES (1), (1), (NULL)"},
    {"ExpressionAndPartialIndexes",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, gone INTEGER);"
     "CREATE UNIQUE INDEX lower_name ON t(lower(name)) WHERE NOT gone;"
     "CREATE INDEX by_length ON t(length(name));"
     "INSERT INTO t VALUES (1, 'Ann', 0), (2, 'ann', 1), (3, 'Bob', 0)",
     "UPDATE t SET gone = 1 WHERE id = 1; UPDATE t SET gone = 0 WHERE id = 2;"
     "INSERT INTO t VALUES (4, 'ANN', 1)"},
    {"NamesThatNeedQuotes",
     "CREATE TABLE \"a \"\"b\"\" c\"(\"the key\" TEXT PRIMARY KEY NOT NULL, "
     "\"select\" UNIQUE); INSERT INTO \"a \"\"b\"\" c\" VALUES ('x', 1), ('y', "
     "2)",
     "UPDATE \"a \"\"b\"\" c\" SET \"select\" = 3 WHERE \"select\" = 2;"
     "UPDATE \"a \"\"b\"\" c\" SET \"select\" = 2 WHERE \"select\" = 1"},
    {"NocaseKeysLeftAlone",
     "CREATE TABLE t(k TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, v);"
     "INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)",
     "UPDATE t SET v = 9 WHERE k = 'A'; DELETE FROM t WHERE k = 'b';"
     "INSERT INTO t VALUES ('d', 4)"},
    {"CaseOfAKeyInANocaseIndex",
     "CREATE TABLE t(k TEXT NOT NULL, v, PRIMARY KEY (k COLLATE NOCASE)) "
     "WITHOUT "
     "ROWID; INSERT INTO t VALUES ('a', 1)",
     "UPDATE t SET k = 'A'; UPDATE t SET k = 'a'; UPDATE t SET k = 'A', v = 2"},
    {"RealKeysLeftAlone",
     "CREATE TABLE t(k REAL PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES (1, "
     "1), (2, 2)",
     "UPDATE t SET v = 9 WHERE k = 1; INSERT INTO t VALUES (3, 3), (2.5, 1)"},
};

INSTANTIATE_TEST_SUITE_P(Rows, SqliteRecordedTest, ::testing::ValuesIn(kRows),
                         CaseName);

constexpr char kFamily[] =
    "CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES "
    "parent ON DELETE CASCADE ON UPDATE CASCADE);"
    "CREATE TABLE pet(id INTEGER PRIMARY KEY, owner INTEGER DEFAULT 1 "
    "REFERENCES child ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);"
    "INSERT INTO parent VALUES (1, 'a'), (2, 'b');"
    "INSERT INTO child VALUES (10, 1), (11, 1), (20, 2);"
    "INSERT INTO pet VALUES (100, 10), (200, 20), (300, NULL)";

constexpr char kTriggers[] =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, stock INTEGER, at TEXT);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY AUTOINCREMENT, item, stock);"
    "CREATE TABLE total(one INTEGER PRIMARY KEY, stock INTEGER);"
    "CREATE VIEW shelf AS SELECT id, stock FROM item;"
    "CREATE TRIGGER logs AFTER UPDATE ON item BEGIN "
    "INSERT INTO log(item, stock) VALUES (new.id, new.stock); END;"
    "CREATE TRIGGER adds AFTER INSERT ON log BEGIN "
    "UPDATE total SET stock = stock + new.stock; END;"
    "CREATE TRIGGER random_time BEFORE INSERT ON item BEGIN "
    "INSERT INTO log(item, stock) VALUES (-1, random() % 1); END;"
    "CREATE TRIGGER takes INSTEAD OF DELETE ON shelf BEGIN "
    "DELETE FROM item WHERE id = old.id; END;"
    "INSERT INTO total VALUES (1, 0); INSERT INTO item VALUES (1, 5, ''), (2, "
    "6, ''); DELETE FROM log";

constexpr Case kEffects[] = {
    {"Triggers", kTriggers,
     "UPDATE item SET stock = stock + 1; INSERT INTO item VALUES (3, 1, 'x');"
     "DELETE FROM shelf WHERE id = 2"},
    {"Cascades", kFamily,
     "DELETE FROM parent WHERE id = 1; UPDATE parent SET id = 5 WHERE id = 2"},
    {"DeferredForeignKeyFulfilledLate", kFamily,
     "INSERT INTO pet VALUES (400, 77); INSERT INTO child VALUES (77, 2)"},
    {"ForeignKeysDeferredForNow", kFamily,
     "PRAGMA defer_foreign_keys = ON; INSERT INTO child VALUES (30, 9);"
     "INSERT INTO parent VALUES (9, 'late')"},
    {"SavepointsRolledBack", kAccounts,
     "SAVEPOINT a; UPDATE account SET cents = 0; ROLLBACK TO a; UPDATE account "
     "SET cents = 1 WHERE id = 2; RELEASE a; SAVEPOINT b; DELETE FROM account; "
     "ROLLBACK TO b; RELEASE b"},
    {"NestedSavepoints", kAccounts,
     "INSERT INTO account VALUES (4, 'a', 1); SAVEPOINT a; DELETE FROM account "
     "WHERE id = 4; SAVEPOINT b; INSERT INTO account VALUES (4, 'b', 2), (5, "
     "'c', 3); RELEASE b; SAVEPOINT c; UPDATE account SET id = id + 100; "
     "ROLLBACK TO c; DELETE FROM account WHERE id = 5; ROLLBACK TO a; INSERT "
     "INTO account VALUES (5, 'd', 4)"},
    {"NumberGivenInARolledBackSavepoint",
     "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)",
     "INSERT INTO t DEFAULT VALUES; SAVEPOINT a; INSERT INTO t VALUES (50); "
     "ROLLBACK TO a; INSERT INTO t DEFAULT VALUES"},
    {"Reindexed", kAccounts, "REINDEX; UPDATE account SET cents = 3"},
};

INSTANTIATE_TEST_SUITE_P(Effects, SqliteRecordedTest,
                         ::testing::ValuesIn(kEffects), CaseName);

constexpr char kText[] =
    "CREATE VIRTUAL TABLE note USING fts5(title, body);"
    "INSERT INTO note VALUES ('one', 'the quick fox'), ('two', 'lazy dog');";
constexpr char kExternalText[] =
    "CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT);"
    "CREATE VIRTUAL TABLE doc_text USING fts5(body, content='doc', "
    "content_rowid='id');"
    "CREATE TRIGGER doc_ai AFTER INSERT ON doc BEGIN INSERT INTO "
    "doc_text(rowid, body) VALUES (new.id, new.body); END;"
    "CREATE TRIGGER doc_ad AFTER DELETE ON doc BEGIN INSERT INTO "
    "doc_text(doc_text, rowid, body) VALUES ('delete', old.id, old.body); END;"
    "CREATE TRIGGER doc_au AFTER UPDATE ON doc BEGIN INSERT INTO "
    "doc_text(doc_text, rowid, body) VALUES ('delete', old.id, old.body);"
    "INSERT INTO doc_text(rowid, body) VALUES (new.id, new.body); END;"
    "INSERT INTO doc VALUES (1, 'red apples'), (2, 'green pears')";

constexpr Case kFullText[] = {
    {"FullText", kText,
     "INSERT INTO note VALUES ('three', 'brown bear'); UPDATE note SET body = "
     "'no dog' WHERE title = 'two'; DELETE FROM note WHERE title = 'one'"},
    {"FullTextQueriedInBetween", kText,
     "INSERT INTO note VALUES ('three', 'brown bear'); SELECT * FROM note "
     "WHERE note MATCH 'bear'; INSERT INTO note VALUES ('four', 'bear bear')"},
    {"FullTextInSavepoints", kText,
     "SAVEPOINT a; INSERT INTO note VALUES ('three', 'bear'); ROLLBACK TO a; "
     "INSERT INTO note VALUES ('four', 'fox'); SAVEPOINT b; DELETE FROM note "
     "WHERE title = 'two'; RELEASE b"},
    {"FullTextOptimized", kText,
     "INSERT INTO note VALUES ('three', 'bear'); INSERT INTO note(note) VALUES "
     "('optimize'); INSERT INTO note(note, rank) VALUES ('pgsz', 64)"},
    {"FullTextRebuilt", kText, "INSERT INTO note(note) VALUES ('rebuild')"},
    {"FullTextEmptied", kText, "DELETE FROM note"},
    {"ExternalContentByTriggers", kExternalText,
     "INSERT INTO doc VALUES (3, 'blue plums'); UPDATE doc SET body = 'red "
     "cherries' WHERE id = 1; DELETE FROM doc WHERE id = 2"},
    {"ManyTexts", kText,
     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
     "3000) INSERT INTO note SELECT 't' || i, 'word' || (i * 7919 % 1000) || ' "
     "of ' || i FROM n"},
};

INSTANTIATE_TEST_SUITE_P(FullText, SqliteRecordedTest,
                         ::testing::ValuesIn(kFullText), CaseName);

TEST_F(SqliteRecordingTest, TakesBlobsOfTenMegabytes) {
  MakeBase(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB); INSERT INTO t VALUES "
      "(1, randomblob(10000000)), (2, zeroblob(5))");
  ExpectSameThreeWays(
      "INSERT INTO t VALUES (3, zeroblob(10000000)); UPDATE t SET data = "
      "zeroblob(10000001) WHERE id = 1; UPDATE t SET data = (SELECT data FROM "
      "t "
      "WHERE id = 1) WHERE id = 2");
}

}  // namespace
}  // namespace shard::testing
