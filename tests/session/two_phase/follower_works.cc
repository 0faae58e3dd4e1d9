#include "shard/tests/session/two_phase/follower_works.h"

#include <string>
#include <utility>
#include <vector>

namespace shard::testing {
namespace {

constexpr char kPlain[] =
    "create table t(id integer primary key, a text, b);"
    "insert into t values (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);";
constexpr char kLog[] =
    "create table log(id integer primary key autoincrement, what text);";
constexpr char kFamily[] =
    "create table p(id integer primary key, name text unique);"
    "insert into p values (1, 'a'), (2, 'b');";

std::vector<FollowerWork> Rows() {
  return {
      {"Plain",
       kPlain,
       {"insert into t values (4, 'four', 4)", "update t set b = b + 1",
        "delete from t where id = 2"}},
      {"Values",
       kPlain,
       {"insert into t values (-9223372036854775808, x'00ff', null), "
        "(9223372036854775807, 'a' || char(0) || 'b', 0.1), (10, '', 1e308), "
        "(11, null, -0.0)",
        "update t set a = null, b = x'' where id = 1"}},
      {"ThousandsOfRows",
       kPlain,
       {"with recursive n(i) as (select 10 union all select i + 1 from n where "
        "i < 5000) insert into t select i, 'row ' || i, i * 1.5 from n",
        "update t set b = -b where id % 3 = 0",
        "delete from t where id % 7 = 0"}},
      {"TenMegabytes",
       kPlain,
       {"insert into t values (4, 'big', zeroblob(10000000))",
        "update t set a = replace(hex(zeroblob(5000000)), '00', 'ab') where "
        "id = 1"}},
      {"Upserts",
       kPlain,
       {"insert into t values (1, 'new', 9), (5, 'five', 5) on conflict(id) do "
        "update set a = excluded.a || '!', b = t.b + 1",
        "insert into t values (2, 'x', 0) on conflict do nothing"}},
      {"Replace",
       kPlain,
       {"replace into t values (1, 'other', 7), (6, 'six', 6)",
        "insert or ignore into t values (2, 'ignored', 0)"}},
      {"ReplaceByAUniqueValue",
       "create table u(id integer primary key, n text unique, v);"
       "insert into u values (1, 'a', 1), (2, 'b', 2);",
       {"replace into u values (3, 'a', 3)"}},
      {"KeyChanges",
       kPlain,
       {"update t set id = id + 100", "update t set id = 1 where id = 103"}},
      {"TextKeyChanges",
       "create table k(k text primary key not null, v);"
       "insert into k values ('a', 1), ('b', 2), ('c', 3);",
       {"update k set k = k || k", "delete from k where k = 'bb'",
        "insert into k values ('a', 4)"}},
      {"UniqueValuesInAChain",
       "create table u(id integer primary key, n integer unique);"
       "insert into u values (1, 1), (2, 2), (3, 3);",
       {"update u set n = 4 where id = 3", "update u set n = 3 where id = 2",
        "update u set n = 2 where id = 1"}},
      {"IndexesOnExpressions",
       "create table u(id integer primary key, n text, deleted integer);"
       "create unique index live on u(lower(n)) where deleted = 0;"
       "insert into u values (1, 'A', 0), (2, 'b', 0);",
       {"update u set deleted = 1 where id = 1",
        "insert into u values (3, 'a', 0)"}},
      {"EverythingDeleted",
       kPlain,
       {"delete from t", "insert into t values (2, 'again', 2)"}},
      {"Returning",
       kPlain,
       {"insert into t(a) values ('x'), ('y') returning id, a",
        "delete from t where id = 1 returning *"}},
      {"Savepoints",
       kPlain,
       {"insert into t values (4, 'kept', 4)", "savepoint one",
        "insert into t values (5, 'lost', 5)", "update t set b = 0",
        "rollback to one", "savepoint two", "delete from t where id = 1",
        "release two", "release one"}},
  };
}

std::vector<FollowerWork> Tables() {
  return {
      {"WithoutRowid",
       "create table w(a text, b integer, v, primary key (a, b)) without rowid;"
       "insert into w values ('x', 1, 1), ('x', 2, 2), ('y', 1, 3);",
       {"update w set v = v * 2 where a = 'x'",
        "update w set b = 9 where v = 3",
        "delete from w where a = 'x' and b = 2",
        "insert into w values ('z', 1, null)"}},
      {"Strict",
       "create table s(id integer primary key, i int, r real, t text, b blob, "
       "a "
       "any) strict; insert into s values (1, 1, 1, 'a', x'01', 'any');",
       {"insert into s values (2, 2, 2, 'b', x'02', 2.5)",
        "update s set r = 3, a = x'03' where id = 1"}},
      {"Autoincrement",
       "create table n(id integer primary key autoincrement, v);"
       "insert into n(v) values (1), (2);",
       {"insert into n(v) values (3), (4)", "delete from n where id > 2",
        "insert into n values (50, 50)", "delete from n where id = 50"}},
      {"FullText",
       "create virtual table f using fts5(title, body);"
       "insert into f values ('one', 'some words'), ('two', 'other words');",
       {"insert into f values ('three', 'more words')",
        "update f set body = 'new text' where rowid = 1",
        "delete from f where rowid = 2"}},
      {"FullTextBesideItsRows",
       "create table d(id integer primary key, body text);"
       "create virtual table f using fts5(body, content='d', "
       "content_rowid='id');"
       "create trigger di after insert on d begin insert into f(rowid, body) "
       "values (new.id, new.body); end;"
       "create trigger dd after delete on d begin insert into f(f, rowid, "
       "body) "
       "values ('delete', old.id, old.body); end;"
       "insert into d values (1, 'first words'), (2, 'second words');",
       {"insert into d values (3, 'third words')",
        "delete from d where id = 1"}},
  };
}

std::vector<FollowerWork> Effects() {
  return {
      {"Triggers",
       std::string(kPlain) + kLog +
           "create trigger ti before insert on t begin insert into log(what) "
           "values ('insert ' || new.id); end;"
           "create trigger tu after update of b on t when old.b <> new.b begin "
           "insert into log(what) values (old.b || '>' || new.b); end;"
           "create trigger td after delete on t begin delete from log where "
           "what "
           "like '%' || old.id; end;",
       {"insert into t values (4, 'four', 4)", "update t set b = b + 10",
        "delete from t where id in (2, 4)"}},
      {"TriggersThatWakeTriggers",
       std::string(kPlain) + kLog +
           "create table sums(id integer primary key, total);"
           "insert into sums values (1, 6);"
           "create trigger t1 after insert on t begin update sums set total = "
           "total + new.b; end;"
           "create trigger t2 after update on sums begin insert into log(what) "
           "values ('sum ' || new.total); end;",
       {"insert into t values (4, 'four', 4), (5, 'five', 5)"}},
      {"TriggersOfViews",
       std::string(kPlain) + "create view v as select id, a from t;"
                             "create trigger vi instead of insert on v begin "
                             "insert into t values "
                             "(new.id, new.a, 0); end;",
       {"insert into v values (7, 'seven')"}},
      {"ForeignKeys",
       std::string(kFamily) +
           "create table c(id integer primary key, p references p(id), n "
           "references p(name)); insert into c values (1, 1, 'a');",
       {"insert into p values (3, 'c')", "insert into c values (2, 3, 'c')",
        "update c set p = 2, n = null where id = 1",
        "delete from p where id = 1"}},
      {"DeferredForeignKeys",
       std::string(kFamily) +
           "create table c(id integer primary key, p references p(id) "
           "deferrable initially deferred);",
       {"insert into c values (1, 3), (2, 4)", "insert into p values (4, 'd')",
        "insert into p values (3, 'c')", "update c set p = 1 where id = 2",
        "delete from p where id = 4"}},
      {"CascadesOfDelete",
       std::string(kFamily) +
           "create table c(id integer primary key, p references p(id) on "
           "delete "
           "cascade); insert into c values (1, 1), (2, 1), (3, 2);"
           "create table g(id integer primary key, c references c(id) on "
           "delete "
           "cascade); insert into g values (1, 1), (2, 3);",
       {"delete from p where id = 1"}},
      {"CascadesThatSet",
       std::string(kFamily) +
           "create table c(id integer primary key, p default 2 references "
           "p(id) "
           "on delete set default, n references p(name) on delete set null);"
           "insert into c values (1, 1, 'a'), (2, 2, 'b');",
       {"delete from p where id = 1"}},
      {"CascadesOfUpdate",
       std::string(kFamily) +
           "create table c(id integer primary key, p references p(id) on "
           "update "
           "cascade, n references p(name) on update cascade);"
           "insert into c values (1, 1, 'a'), (2, 2, 'b');",
       {"update p set id = id + 10, name = name || '!'"}},
      {"CascadesWithTriggers",
       std::string(kFamily) + kLog +
           "create table c(id integer primary key, p references p(id) on "
           "delete "
           "cascade); insert into c values (1, 1), (2, 1);"
           "create trigger cd after delete on c begin insert into log(what) "
           "values ('gone ' || old.id); end;",
       {"delete from p where id = 1"}},
  };
}

}  // namespace

const std::vector<FollowerWork>& FollowerWorks() {
  static const auto& works = *new std::vector<FollowerWork>([] {
    std::vector<FollowerWork> all = Rows();
    for (auto* more : {&Tables, &Effects}) {
      for (FollowerWork& work : more()) all.push_back(std::move(work));
    }
    return all;
  }());
  return works;
}

}  // namespace shard::testing
