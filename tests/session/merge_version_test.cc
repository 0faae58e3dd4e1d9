// Merge of objects that have versions: a stale copy changes nothing.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <class F>
struct DraftFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::int64_t, "version", Version> version;
};
struct Draft : Entity<Draft, DraftFields, "drafts"> {};

class MergeVersionTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (IsSkipped()) return;
    Open<Draft>();
    RunSql(home(),
           "insert into drafts (id, region, title, version) values "
           "(1, 'eu', 'first', 3)");
  }
  // A copy of the row, as it is now, that belongs to no session.
  std::shared_ptr<Draft> Copy() {
    ShardedSession session(options());
    auto draft = session.Get<Draft>(1, AtHome<Draft>()).value();
    session.Close();
    log().Clear();
    return draft;
  }
  static std::shared_ptr<Draft> Transient(std::int64_t version,
                                          std::string title) {
    auto draft = std::make_shared<Draft>();
    draft->id = 1;
    draft->region = "eu";
    draft->title = std::move(title);
    draft->version = version;
    return draft;
  }
};

TEST_P(MergeVersionTest, CopyOfTheSameVersionIsWritten) {
  const auto copy = Copy();
  copy->title = "mine";
  for (const auto& given : {copy, Transient(4, "mine too")}) {
    ShardedSession session(options());
    SHARD_ASSERT_OK_AND_ASSIGN(const auto draft, session.Merge(*given));
    EXPECT_EQ(draft->version.state(), AttributeState::kLoaded);
    SHARD_ASSERT_OK(session.Commit());
  }
  EXPECT_EQ(ReadNumber(home(), "select version from drafts"), 5);
  EXPECT_EQ(ReadText(home(), "select title from drafts"), "mine too");
}

TEST_P(MergeVersionTest, StaleCopyIsRefusedAndChangesNothing) {
  const auto copy = Copy();
  copy->title = "mine";
  RunSql(home(), "update drafts set title = 'theirs', version = 4");
  for (const auto& given : {copy, Transient(3, "mine")}) {
    ShardedSession session(options());
    EXPECT_THAT(
        session.Merge(*given),
        StatusIs(absl::StatusCode::kAborted,
                 AllOf(HasSubstr("Draft 1"), HasSubstr("version 3"),
                       HasSubstr("version 4"), Not(HasSubstr("mine")))));
    SHARD_ASSERT_OK_AND_ASSIGN(const auto held,
                               session.Get<Draft>(1, AtHome<Draft>()));
    EXPECT_EQ(held->title.value(), "theirs");
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(log().Count("UPDATE"), 0u);
  }
  EXPECT_EQ(ReadText(home(), "select title from drafts"), "theirs");
}

TEST_P(MergeVersionTest, ExpiredVersionOfTheHeldObjectIsLoaded) {
  const auto copy = Copy();
  copy->title = "mine";
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto held,
                             session.Get<Draft>(1, AtHome<Draft>()));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto merged, session.Merge(*copy));
  EXPECT_EQ(merged, held);
  EXPECT_EQ(log().CountAll(), 1u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from drafts"), 4);
  EXPECT_THAT(session.Merge(*copy), HasCode(absl::StatusCode::kAborted));
}

TEST_P(MergeVersionTest, CopyWithoutAVersionIsNotChecked) {
  ShardedSession session(options());
  Draft given;
  given.id = 1;
  given.region = "eu";
  given.title = "mine";
  SHARD_ASSERT_OK(session.Merge(given));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from drafts"), 4);
}

TEST_P(MergeVersionTest, NewObjectTakesTheVersionAlong) {
  const auto copy = Copy();
  RunSql(home(), "delete from drafts");
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto draft, session.Merge(*copy));
  EXPECT_EQ(draft->object_state(), ObjectState::kPending);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from drafts"), 3);
}

SHARD_ON_SESSIONS(MergeVersionTest);

}  // namespace
}  // namespace shard::testing
