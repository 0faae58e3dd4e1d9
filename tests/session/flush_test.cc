// The flush: which statements it sends, and what the objects hold afterwards.
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto& c = Account::c;

std::int64_t next_revision = 0;
std::int64_t NextRevision() { return ++next_revision; }
Expr<std::int64_t> TwiceThree() { return SqlText<std::int64_t>("3 + 3"); }

template <class F>
struct NoteFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "body"> body;
  Field<F, std::int64_t, "revision", ClientDefault<0>, OnUpdate<&NextRevision>>
      revision;
  Field<F, std::optional<std::int64_t>, "computed", ClientDefault<&TwiceThree>,
        OnUpdate<&TwiceThree>>
      computed;
};
struct Note : Entity<Note, NoteFields, "notes"> {};

// A key that the database makes by a default of its own.
template <class F>
struct TokenFields {
  Field<F, std::int64_t, "id", PrimaryKey, ServerDefault<"(40 + 2)">> id;
  Field<F, std::string, "owner"> owner;
};
struct Token : Entity<Token, TokenFields, "tokens"> {};

class FlushTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    engine_ = NewEngine("main", {&Account::table(), &Note::table(),
                                 &Line::table(), &Token::table()});
  }
  std::shared_ptr<Account> Stored(ShardedSession& session,
                                  std::string owner = "ada") {
    auto account = MakeAccount(std::move(owner), 1);
    EXPECT_THAT(session.Add(account), IsOk());
    EXPECT_THAT(session.Flush(), IsOk());
    log().Clear();
    return account;
  }

  std::shared_ptr<Engine> engine_;
};

// Inserts.

TEST_P(FlushTest, NothingToWriteSendsNothing) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(done.shares.empty());
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushTest, RowsOfOneShapeGoTogether) {
  ShardedSession session(engine_);
  std::vector<std::shared_ptr<Account>> accounts;
  for (int i = 0; i < 50; ++i) {
    accounts.push_back(MakeAccount(std::to_string(i), i));
  }
  SHARD_ASSERT_OK(session.AddAll(accounts));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 1u);
  EXPECT_GE(log().Of("INSERT")[0].parameters, is_sqlite() ? 100u : 1u);
}

TEST_P(FlushTest, ClassesKeepTheOrderOfTheirFirstObjects) {
  ShardedSession session(engine_);
  const auto plain = MakeAccount("x"), noted = MakeAccount("y");
  noted->note = "another shape";
  const auto token = std::make_shared<Token>();
  token->owner = "x";
  SHARD_ASSERT_OK(session.Add(plain));
  SHARD_ASSERT_OK(session.Add(token));
  SHARD_ASSERT_OK(session.Add(noted));
  SHARD_ASSERT_OK(session.Flush());
  const auto inserts = log().Of("INSERT");
  ASSERT_EQ(inserts.size(), 3u);
  EXPECT_THAT(inserts[1].statement, HasSubstr("accounts"));
  EXPECT_THAT(inserts[2].statement, HasSubstr("tokens"));
}

TEST_P(FlushTest, EachShapeIsAStatement) {
  ShardedSession session(engine_);
  for (int i = 0; i < 6; ++i) {
    const auto account = MakeAccount("x");
    if (i % 2 == 0) account->note = "given";
    SHARD_ASSERT_OK(session.Add(account));
  }
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 2u);
  EXPECT_EQ(
      ReadNumber(engine_, "select count(*) from accounts where note = 'x'"), 0);
}

TEST_P(FlushTest, GeneratedKeysComeBackInTheOrderOfTheObjects) {
  ShardedSession session(engine_);
  std::vector<std::shared_ptr<Account>> accounts;
  for (int i = 0; i < 2500; ++i) {
    accounts.push_back(MakeAccount("o" + std::to_string(i), i));
  }
  SHARD_ASSERT_OK(session.AddAll(accounts));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(auto rows, session.Execute(Select(c.id, c.owner)));
  std::map<std::int64_t, std::string> owners;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, rows.All());
  for (const Row& row : all)
    owners[*row.Get<std::int64_t>(0)] = *row.Get<std::string>(1);
  ASSERT_EQ(owners.size(), 2500u);
  for (int i = 0; i < 2500; ++i) {
    ASSERT_EQ(owners[accounts[i]->id.value()], "o" + std::to_string(i));
  }
}

TEST_P(FlushTest, GivenAndGeneratedKeysMix) {
  ShardedSession session(engine_);
  const auto given = MakeAccountWithId(1000, "given");
  const auto made = MakeAccount("made");
  SHARD_ASSERT_OK(session.AddAll(std::vector{given, made}));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(given->id.value(), 1000);
  EXPECT_NE(made->id.value(), 1000);
  EXPECT_EQ(made->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(made->owner.value(), "made");
}

TEST_P(FlushTest, KeyByAServerDefault) {
  ShardedSession session(engine_);
  auto token = std::make_shared<Token>();
  token->owner = "ada";
  SHARD_ASSERT_OK(session.Add(token));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(token->id.value(), 42);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Token>(42));
  EXPECT_EQ(again, token);
}

TEST_P(FlushTest, DefaultsOfServerAndClient) {
  ShardedSession session(engine_);
  auto account = std::make_shared<Account>();
  account->owner = "ada";
  auto note = std::make_shared<Note>();
  note->body = "b";
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Add(note));
  SHARD_ASSERT_OK(session.Flush());
  log().Clear();
  EXPECT_EQ(account->balance.value(), 0);  // the client's: nothing to ask
  EXPECT_EQ(note->revision.value(), 0);
  EXPECT_EQ(account->note.value(), "none");  // the INSERT brought it back
  EXPECT_EQ(note->computed.value(), 6);
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushTest, NullWordGoesPastDefaults) {
  ShardedSession session(engine_);
  const auto by_word = MakeAccount("word");
  by_word->note = Null();
  const auto by_value = MakeAccount("value");
  by_value->note = std::nullopt;  // no value: the default
  auto note = std::make_shared<Note>();
  note->body = "b";
  note->computed = Null();
  SHARD_ASSERT_OK(session.AddAll(std::vector{by_word, by_value}));
  SHARD_ASSERT_OK(session.Add(note));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(by_word->note.value(), std::nullopt);
  EXPECT_EQ(by_value->note.value(), "none");
  EXPECT_EQ(note->computed.value(), std::nullopt);
}

TEST_P(FlushTest, ExpressionInAnInsert) {
  ShardedSession session(engine_);
  auto account = MakeAccount("ada");
  account->balance = SqlText<std::int64_t>("20 + :more", {{"more", 22}});
  auto plain = MakeAccount("bob", 7);
  SHARD_ASSERT_OK(session.AddAll(std::vector{account, plain}));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 2u);
  log().Clear();
  EXPECT_EQ(account->owner.value(), "ada");
  EXPECT_GT(account->id.value(), 0);
  EXPECT_EQ(account->balance.value(), 42);
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushTest, ExpressionAsKeyOfAnInsert) {
  ShardedSession session(engine_);
  auto account = MakeAccount("ada");
  account->id = SqlText<std::int64_t>("500 + 5");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->id.value(), 505);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Account>(505));
  EXPECT_EQ(again, account);
}

// Updates.

TEST_P(FlushTest, OnlyChangedColumnsAreWritten) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->balance = 5;
  SHARD_ASSERT_OK(session.Flush());
  const auto updates = log().Of("UPDATE");
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
  EXPECT_THAT(updates[0].statement,
              AllOf(HasSubstr("balance"), Not(HasSubstr("owner"))));
  log().Clear();
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushTest, SameValueIsNoChange) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->balance = 1;
  account->owner = "ada";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushTest, AssigningWhatWasNotLoadedIsWritten) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  account->note = std::nullopt;  // the old value is not known
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
  EXPECT_EQ(account->note.value(), std::nullopt);
}

TEST_P(FlushTest, UpdatesOfOneShapeAreABatch) {
  ShardedSession session(engine_);
  std::vector<std::shared_ptr<Account>> accounts;
  for (int i = 0; i < 5; ++i) accounts.push_back(Stored(session));
  for (int i = 0; i < 5; ++i) accounts[i]->balance = 100 + i;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_LE(log().Count("UPDATE"), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(accounts[i]->balance.value(), 100 + i);
}

TEST_P(FlushTest, ExpressionInAnUpdate) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  RunSql(engine_, "select 1");
  SHARD_ASSERT_OK(session.Commit());
  RunSql(engine_, "update accounts set balance = 1000");
  log().Clear();
  account->balance = c.balance + 1;
  account->owner = "eve";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  EXPECT_EQ(account->owner.value(), "eve");
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(account->balance.value(), 1001);
  EXPECT_EQ(account->note.value(), "none");
  EXPECT_EQ(log().Count("SELECT"), 1u);
}

TEST_P(FlushTest, ExpressionIsAlwaysWritten) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->balance = c.balance + 0;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
}

TEST_P(FlushTest, LastAssignmentWins) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->balance = c.balance + 5;
  account->balance = c.balance + 7;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->balance.value(), 8);
  account->balance = c.balance + 7;
  account->balance = 3;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->balance.value(), 3);
}

TEST_P(FlushTest, ScalarSubqueryInAnUpdate) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  const auto other = MakeAccount("bob", 41);
  SHARD_ASSERT_OK(session.Add(other));
  SHARD_ASSERT_OK(session.Flush());
  account->balance = Subquery(Select(Max(c.balance)).From<Account>());
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->balance.value(), 41);
}

TEST_P(FlushTest, OnUpdateOnlyWhenSomethingElseChanges) {
  ShardedSession session(engine_);
  auto note = std::make_shared<Note>();
  note->body = "a";
  SHARD_ASSERT_OK(session.Add(note));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(note->revision.value(), 0);
  next_revision = 10;
  note->body = "b";
  SHARD_ASSERT_OK(session.Flush());
  log().Clear();
  EXPECT_EQ(note->revision.value(), 11);
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_EQ(note->computed.value(), 6);
  note->revision = 3;  // given: onupdate stands back
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(note->revision.value(), 3);
}

TEST_P(FlushTest, ChangedKeyMovesTheIdentity) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->id = 77;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(77));
  EXPECT_EQ(found, account);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none, session.Get<Account>(1));
  EXPECT_EQ(none, nullptr);
  account->owner = "still";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(engine_, "select owner from accounts where id = 77"),
            "still");
}

TEST_P(FlushTest, ChangedKeyBesideAnExpression) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->id = 77;
  account->balance = c.balance + 1;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->balance.value(), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(77));
  EXPECT_EQ(found, account);
}

TEST_P(FlushTest, ExpressionAsNewKeyMovesTheIdentity) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->id = c.id + 1;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().CountAll(), 1u);  // RETURNING has the key
  EXPECT_EQ(account->id.value(), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(2));
  EXPECT_EQ(found, account);
}

// Deletes.

TEST_P(FlushTest, DeletesByKey) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  account->owner = "changed";  // no use writing that
  SHARD_ASSERT_OK(session.Delete(account));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("DELETE"), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
  EXPECT_EQ(account->object_state(), ObjectState::kDeleted);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none,
                             session.Get<Account>(account->id.value()));
  EXPECT_EQ(none, nullptr);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->object_state(), ObjectState::kDeleted);
  EXPECT_THAT(session.Add(account),  // it would look stored, and is not
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(FlushTest, PendingObjectsNeedNoDelete) {
  ShardedSession session(engine_);
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Delete(account));
  EXPECT_EQ(account->object_state(), ObjectState::kTransient);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushTest, AddTakesADeleteBack) {
  ShardedSession session(engine_);
  const auto account = Stored(session);
  SHARD_ASSERT_OK(session.Delete(account));
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

SHARD_ON_DATABASES(FlushTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
