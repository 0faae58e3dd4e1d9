// Objects read again in part, with deferred fields, and merged from elsewhere.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <class F>
struct LetterFields {
  Field<F, std::optional<std::string>, "preface", Deferred> preface;
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "subject", ClientDefault<&HomeRegion>> subject;
  Field<F, std::string, "body", Deferred> body;
  Field<F, std::optional<std::int64_t>, "size"> size;
};
struct Letter : Entity<Letter, LetterFields, "letters"> {};
constexpr auto& c = Letter::c;

std::shared_ptr<Letter> MakeLetter(std::int64_t id, std::string subject) {
  auto letter = std::make_shared<Letter>();
  letter->id = id;
  letter->subject = std::move(subject);
  letter->body = "body";
  letter->preface = "preface";
  return letter;
}

class ObjectLifeTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Letter>();
  }
  // Letters 1 and 2 at home, written past the session.
  void FillLetters() {
    RunSql(home(),
           "insert into letters (id, region, subject, body, preface, size) "
           "values (1, 'eu', 'one', 'long one', 'p1', 10), "
           "(2, 'eu', 'two', 'long two', null, 20)");
  }
  std::string SubjectOf(std::int64_t id) {
    return ReadText(
        home(), "select subject from letters where id = " + std::to_string(id));
  }
};

// Some attributes.

TEST_P(ObjectLifeTest, RefreshOfSomeReadsThemAlone) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  session.Rollback();  // lets others write; the object is expired
  EXPECT_EQ(letter->subject.value(), "one");
  session.Rollback();
  RunSql(home(), "update letters set subject = 'new', size = 99");
  SHARD_ASSERT_OK(session.Refresh(*letter, c.size));
  EXPECT_EQ(letter->size.value(), 99);
  log().Clear();
  letter->subject = "mine";
  letter->size = 5;
  SHARD_ASSERT_OK(session.Refresh(*letter, c.size));
  const auto selects = log().Of("SELECT");
  ASSERT_EQ(selects.size(), 1u);
  EXPECT_THAT(selects[0].statement,
              AllOf(HasSubstr("size"), Not(HasSubstr("subject"))));
  EXPECT_EQ(letter->size.value(), 99);         // what was assigned is dropped
  EXPECT_EQ(letter->subject.value(), "mine");  // here it is not
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(SubjectOf(1), "mine");
  EXPECT_EQ(ReadNumber(home(), "select size from letters where id = 1"), 99);
}

TEST_P(ObjectLifeTest, ExpireOfSomeReadsThemWhenUsed) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  letter->size = c.size + 1;  // an expression that is dropped
  log().Clear();
  SHARD_ASSERT_OK(session.Expire(*letter, c.size, c.subject));
  EXPECT_EQ(letter->region.value(), "eu");
  EXPECT_EQ(log().CountAll(), 0u);
  // Still held: a Get need not ask.
  EXPECT_EQ(session.Get<Letter>(1).value(), letter);
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_EQ(letter->size.value(), 10);
  EXPECT_EQ(letter->subject.value(), "one");
  const auto selects = log().Of("SELECT");
  ASSERT_EQ(selects.size(), 1u);
  EXPECT_THAT(selects[0].statement, Not(HasSubstr("region")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 0u);
}

TEST_P(ObjectLifeTest, KeysBecomeThoseOfTheRow) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  letter->id = 7;
  log().Clear();
  SHARD_ASSERT_OK(session.Refresh(*letter, c.id));
  EXPECT_EQ(letter->id.value(), 1);
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ObjectLifeTest, ColumnsOfAnotherClassAreRefused) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  EXPECT_THAT(session.Refresh(*letter, Account::c.note),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("accounts.note"), HasSubstr("Letter"))));
  EXPECT_THAT(session.Expire(*letter, c.size, Account::c.note),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(letter->size.state(), AttributeState::kLoaded);
  const auto pending = MakeLetter(9, "new");
  SHARD_ASSERT_OK(session.Add(pending));
  EXPECT_THAT(session.Refresh(*pending, c.size),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(ObjectLifeTest, RefreshOfSomeOfARowThatIsGone) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  session.Rollback();
  RunSql(home(), "delete from letters");
  EXPECT_THAT(session.Refresh(*letter, c.size),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("Letter 1")));
}

// Deferred fields.

TEST_P(ObjectLifeTest, DeferredFieldsAreReadWhenUsedEachByItself) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto letters,
      session.Scalars(Select<Letter>().Where(c.region == "eu").OrderBy(c.id)));
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0]->subject.value(), "one");
  EXPECT_EQ(letters[0]->id.value(), 1);
  EXPECT_EQ(letters[1]->size.value(), 20);
  for (const auto& select : log().Of("SELECT")) {
    EXPECT_THAT(select.statement, Not(HasSubstr("body")));
  }
  log().Clear();
  EXPECT_EQ(letters[1]->body.value(), "long two");
  EXPECT_EQ(letters[1]->body.value(), "long two");
  const auto selects = log().Of("SELECT");
  ASSERT_EQ(selects.size(), 1u);  // of the row's own shard alone
  EXPECT_THAT(selects[0].statement,
              AllOf(HasSubstr("body"), Not(HasSubstr("preface")),
                    Not(HasSubstr("subject"))));
  EXPECT_EQ(letters[1]->preface.value(), std::nullopt);
  EXPECT_EQ(letters[0]->preface.value(), "p1");
  EXPECT_EQ(log().Count("SELECT"), 3u);
}

TEST_P(ObjectLifeTest, UndeferReadsThemWithTheObject) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letters,
                             session.Scalars(Select<Letter>()
                                                 .Where(c.region == "eu")
                                                 .OrderBy(Desc(c.subject))
                                                 .Undefer(c.body)));
  ASSERT_EQ(letters.size(), 2u);
  log().Clear();
  EXPECT_EQ(letters[0]->body.value(), "long two");
  EXPECT_EQ(letters[1]->body.value(), "long one");
  EXPECT_EQ(letters[1]->subject.value(), "one");
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_EQ(letters[1]->preface.value(), "p1");
  EXPECT_EQ(log().CountAll(), 1u);
  // Objects that are held without them get them too.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto again,
      session.Scalars(Select<Letter>()
                          .Where(c.region == "eu" && c.id == 2)
                          .Undefer(c.preface, c.body)));
  log().Clear();
  EXPECT_EQ(letters[0]->preface.value(), std::nullopt);
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_THAT(
      session.Scalars(Select<Letter>().Undefer(Account::c.note)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Letter")));
}

TEST_P(ObjectLifeTest, DeferredFieldsAreWrittenLikeAnyOther) {
  ShardedSession session(options());
  const auto letter = MakeLetter(1, "one");
  SHARD_ASSERT_OK(session.Add(letter));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(letter->body.value(), "body");  // what was written is known
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  // Assigned without having been read: nothing is read.
  letter->body = "other";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select body from letters"), "other");
  // By the database, too.
  letter->preface = c.preface + "!";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(letter->preface.value(), "preface!");
}

TEST_P(ObjectLifeTest, ExpiredObjectsComeBackWithoutTheirDeferredFields) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  EXPECT_EQ(letter->body.value(), "long one");
  SHARD_ASSERT_OK(session.Commit());
  RunSql(home(), "update letters set body = 'new', subject = 's'");
  log().Clear();
  EXPECT_EQ(letter->subject.value(), "s");
  EXPECT_EQ(letter->body.state(), AttributeState::kExpired);
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(letter->body.value(), "new");
  SHARD_ASSERT_OK(session.Refresh(*letter));
  EXPECT_EQ(letter->subject.state(), AttributeState::kLoaded);
  EXPECT_EQ(letter->body.state(), AttributeState::kExpired);
  SHARD_ASSERT_OK(session.Refresh(*letter, c.body));
  EXPECT_EQ(letter->body.state(), AttributeState::kLoaded);
  // Read first of all that is expired, it leaves the rest expired.
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(letter->body.value(), "new");
  EXPECT_EQ(letter->subject.state(), AttributeState::kExpired);
  log().Clear();
  SHARD_ASSERT_OK(session.Get<Letter>(1));
  EXPECT_EQ(log().Count("SELECT"), places());
  EXPECT_EQ(letter->subject.state(), AttributeState::kLoaded);
}

TEST_P(ObjectLifeTest, DeferredFieldsOfADetachedObject) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Get<Letter>(1));
  SHARD_ASSERT_OK(session.Expunge(*letter));
  EXPECT_EQ(letter->subject.value(), "one");
  EXPECT_THAT(letter->body.Load(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("Letter.body"), HasSubstr("detached"))));
}

template <class F>
struct DeferredKeyFields {
  Field<F, std::string, "id", PrimaryKey, Deferred> id;
};
struct DeferredKey : Entity<DeferredKey, DeferredKeyFields, "keys"> {};

TEST(DeferredTest, KeysCannotBeDeferred) {
  EXPECT_THAT(DeferredKey::ClassMapping().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("DeferredKey"), HasSubstr("'id'"))));
}

// Merge.

TEST_P(ObjectLifeTest, MergeOfATransientObjectUpdatesItsRow) {
  FillLetters();
  ShardedSession session(options());
  Letter given;
  given.id = 1;
  given.region = "eu";
  given.subject = "merged";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Merge(given));
  EXPECT_EQ(log().CountAll(), 1u);  // its shard key says where to look
  EXPECT_EQ(letter->subject.value(), "merged");
  EXPECT_EQ(letter->size.value(), 10);  // unset in the given: as it was
  EXPECT_EQ(letter->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(given.object_state(), ObjectState::kTransient);
  EXPECT_EQ(given.size.state(), AttributeState::kUnset);
  log().Clear();
  SHARD_ASSERT_OK(session.Commit());
  ASSERT_EQ(log().Count("UPDATE"), 1u);
  EXPECT_THAT(log().Of("UPDATE")[0].statement,
              AllOf(HasSubstr("subject"), Not(HasSubstr("\"region\" ="))));
  EXPECT_EQ(SubjectOf(1), "merged");
}

TEST_P(ObjectLifeTest, MergeWithoutARowIsANewObject) {
  ShardedSession session(options());
  Letter given;
  given.id = 3;
  given.subject = "new";
  given.body = "b";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Merge(given));
  EXPECT_EQ(letter->object_state(), ObjectState::kPending);
  Letter without_key;
  without_key.subject = "other";
  without_key.body = "b";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto other, session.Merge(without_key));
  EXPECT_EQ(other->object_state(), ObjectState::kPending);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "letters"), 2);
  EXPECT_EQ(given.region.state(), AttributeState::kUnset);
  // Again: now there is a row, and nothing has changed.
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Merge(given));
  EXPECT_EQ(again, letter);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("UPDATE"), is_sharded() ? 1u : 1u);  // the body unread
}

TEST_P(ObjectLifeTest, MergeOfADetachedObjectGoesToItsShard) {
  FillLetters();
  std::shared_ptr<Letter> given;
  {
    ShardedSession first(options());
    SHARD_ASSERT_OK_AND_ASSIGN(given, first.Get<Letter>(2));
    EXPECT_EQ(given->body.value(), "long two");
  }
  given->subject = "changed while detached";
  ShardedSession session(options());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Merge(*given));
  EXPECT_EQ(log().CountAll(), 1u);
  EXPECT_NE(letter, given);
  EXPECT_EQ(letter->shard(), given->shard());
  EXPECT_EQ(given->object_state(), ObjectState::kDetached);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(SubjectOf(2), "changed while detached");
}

TEST_P(ObjectLifeTest, MergeIntoAnObjectThatIsHeld) {
  FillLetters();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto held, session.Get<Letter>(1));
  ShardedSession other(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto given, other.Get<Letter>(1));
  given->size = c.size + 5;
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto merged, session.Merge(*given));
  EXPECT_EQ(merged, held);
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_EQ(held->size.state(), AttributeState::kExpression);
  EXPECT_EQ(held->subject.state(), AttributeState::kLoaded);  // equal
  EXPECT_EQ(session.Merge(*held).value(), held);
  other.Close();
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(held->size.value(), 15);
}

TEST_P(ObjectLifeTest, MergeOfARowThatIsGoneInsertsIt) {
  FillLetters();
  ShardedSession first(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto letters,
      first.Scalars(Select<Letter>().Where(c.id == 1).Undefer(c.body)));
  first.Close();
  RunSql(home(), "delete from letters");
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto letter, session.Merge(*letters[0]));
  EXPECT_EQ(letter->object_state(), ObjectState::kPending);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(SubjectOf(1), "one");
}

SHARD_ON_SESSIONS(ObjectLifeTest);

}  // namespace
}  // namespace shard::testing
