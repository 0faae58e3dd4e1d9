// Events: what listeners hear, in which order, and what they may do.
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/query.h"
#include "shard/session/session_listener.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Code = absl::StatusCode;

Note& AsNote(EntityBase& object) { return static_cast<Note&>(object); }

// Writes down what it hears; does what it is told to first.
class Recorder : public SessionListener {
 public:
  using OnSession = std::function<absl::Status(ShardedSession&)>;
  using OnObject = std::function<absl::Status(EntityBase&)>;

  absl::Status BeforeFlush(ShardedSession& session) override {
    return Ask("before flush", before_flush, session);
  }
  void AfterFlush(ShardedSession& session) override {
    Ask("after flush", after_flush, session).IgnoreError();
  }
  absl::Status BeforeInsert(EntityBase& object) override {
    return Ask("before insert", before_insert, object);
  }
  absl::Status BeforeUpdate(EntityBase& object) override {
    return Ask("before update", before_update, object);
  }
  absl::Status BeforeDelete(EntityBase& object) override {
    return Ask("before delete", before_delete, object);
  }
  void AfterInsert(EntityBase& object) override {
    Ask("after insert", after_insert, object).IgnoreError();
  }
  void AfterUpdate(EntityBase& object) override {
    Ask("after update", nullptr, object).IgnoreError();
  }
  void AfterDelete(EntityBase& object) override {
    Ask("after delete", nullptr, object).IgnoreError();
  }
  absl::Status BeforeCommit(ShardedSession& session) override {
    return Ask("before commit", before_commit, session);
  }
  void AfterCommit(ShardedSession&, const CommitResult& result) override {
    heard.push_back(absl::StrCat("after commit of ", result.shares.size()));
  }
  void BeforeRollback(ShardedSession& session) override {
    Ask("before rollback", before_rollback, session).IgnoreError();
  }
  void AfterRollback(ShardedSession& session) override {
    Ask("after rollback", nullptr, session).IgnoreError();
  }
  void AfterLoad(EntityBase& object) override {
    heard.push_back(absl::StrCat("load ", AsNote(object).text.value()));
  }

  std::vector<std::string> Take() { return std::exchange(heard, {}); }

  std::vector<std::string> heard;
  OnSession before_flush, after_flush, before_commit, before_rollback;
  OnObject before_insert, before_update, before_delete, after_insert;

 private:
  absl::Status Ask(const char* what, const OnSession& act,
                   ShardedSession& session) {
    heard.emplace_back(what);
    return act ? act(session) : absl::OkStatus();
  }
  absl::Status Ask(const char* what, const OnObject& act, EntityBase& object) {
    heard.push_back(absl::StrCat(what, " ", AsNote(object).text.value()));
    return act ? act(object) : absl::OkStatus();
  }
};

class ListenerTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (IsSkipped()) return;
    Open<Note>();
    session_.emplace(Listened());
  }
  void TearDown() override {
    session_.reset();
    SessionTest::TearDown();
  }
  SessionOptions Listened() {
    SessionOptions listened = options();
    listened.expire_on_commit = false;
    listened.listeners = {recorder_};
    return listened;
  }
  ShardedSession& session() { return *session_; }
  std::vector<std::string> Take() { return recorder_->Take(); }
  std::int64_t Rows() { return CountRows(home(), "notes"); }

  // Stored and committed.
  std::shared_ptr<Note> Stored(const std::string& text) {
    auto note = MakeNote(text);
    EXPECT_THAT(session().Add(note), IsOk());
    EXPECT_THAT(session().Commit(), IsOk());
    Take();
    return note;
  }

  const std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
  std::optional<ShardedSession> session_;
};

TEST_P(ListenerTest, AFlushTellsOfEachObject) {
  const auto changed = Stored("old");
  const auto doomed = Stored("doomed");
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  changed->text = "newer";
  SHARD_ASSERT_OK(session().Delete(doomed));
  SHARD_ASSERT_OK(session().Flush());
  EXPECT_THAT(Take(), ElementsAre("before flush", "before insert new",
                                  "before update newer", "before delete doomed",
                                  "after insert new", "after update newer",
                                  "after delete doomed", "after flush"));
  SHARD_ASSERT_OK(session().Flush());  // nothing to write
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_P(ListenerTest, BeforeItIsWrittenAnObjectMayBeChanged) {
  const auto other = Stored("other");
  recorder_->before_insert = [&](EntityBase& object) {
    AsNote(object).text = AsNote(object).text.value() + "!";
    other->text = "touched";
    return absl::OkStatus();
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("one")));
  SHARD_ASSERT_OK(session().Add(MakeNote("two")));
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(ReadNumber(home(),
                       "select count(*) from notes where text in ('one!', "
                       "'two!', 'touched')"),
            3);
}

TEST_P(ListenerTest, UpdatesThatAreNoneAreNotTold) {
  const auto note = Stored("same");
  note->text = "other";
  SHARD_ASSERT_OK(session().Expire(*note));
  SHARD_ASSERT_OK(session().Flush());
  EXPECT_THAT(Take(), ElementsAre("before flush", "after flush"));
}

TEST_P(ListenerTest, AnErrorBeforeRefusesTheFlush) {
  const auto stored = Stored("stored");
  stored->text = "changed";
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  const auto refuse = [](auto&) {
    return absl::InvalidArgumentError("not on Fridays");
  };
  for (Recorder::OnObject* question :
       {&recorder_->before_insert, &recorder_->before_update}) {
    *question = refuse;
    log().Clear();
    EXPECT_THAT(session().Flush(),
                StatusIs(Code::kInvalidArgument, HasSubstr("Fridays")));
    EXPECT_EQ(log().CountAll(), 0);
    *question = nullptr;
  }
  recorder_->before_flush = refuse;
  EXPECT_THAT(session().Flush(), HasCode(Code::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0);
  recorder_->before_flush = nullptr;
  SHARD_ASSERT_OK(session().Commit());  // nothing is lost
  EXPECT_EQ(Rows(), 2);
}

TEST_P(ListenerTest, AnErrorBeforeADeleteRefusesIt) {
  const auto stored = Stored("stored");
  recorder_->before_delete = [](EntityBase&) {
    return absl::FailedPreconditionError("keep it");
  };
  SHARD_ASSERT_OK(session().Delete(stored));
  EXPECT_THAT(session().Commit(),
              StatusIs(Code::kFailedPrecondition, HasSubstr("keep it")));
  SHARD_ASSERT_OK(session().Add(stored));  // takes the deletion back
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(Rows(), 1);
}

TEST_P(ListenerTest, BeforeAFlushTheSessionMayBeChanged) {
  const auto doomed = Stored("doomed");
  recorder_->before_flush = [&](ShardedSession& session) {
    // Statements see what is stored, and do not flush.
    auto found = session.Scalars(Select<Note>().Where(Note::c.text == "new"));
    EXPECT_THAT(found, IsOk());
    EXPECT_THAT(*found, IsEmpty());
    EXPECT_THAT(session.Flush(), HasCode(Code::kFailedPrecondition));
    EXPECT_THAT(session.Commit(), HasCode(Code::kFailedPrecondition));
    SHARD_EXPECT_OK(session.Delete(doomed));
    return session.Add(MakeNote("more"));
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  SHARD_ASSERT_OK(session().Flush());
  EXPECT_THAT(Take(), ElementsAre("before flush", "before insert new",
                                  "before insert more", "before delete doomed",
                                  "after insert new", "after insert more",
                                  "after delete doomed", "after flush"));
  EXPECT_THAT(session().Commit(), IsOk());
  EXPECT_EQ(Rows(), 2);
}

TEST_P(ListenerTest, WhileObjectsAreWrittenTheSessionStays) {
  const auto stored = Stored("stored");
  recorder_->before_insert = [&](EntityBase&) {
    EXPECT_THAT(session().Add(MakeNote("late")),
                StatusIs(Code::kFailedPrecondition, HasSubstr("BeforeFlush")));
    EXPECT_THAT(session().Delete(stored), HasCode(Code::kFailedPrecondition));
    EXPECT_THAT(session().Expunge(*stored), HasCode(Code::kFailedPrecondition));
    return absl::OkStatus();
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(Rows(), 2);
}

TEST_P(ListenerTest, ARollbackFromWithinAFlushWaitsForItsEnd) {
  for (Recorder::OnObject* moment :
       {&recorder_->before_insert, &recorder_->after_insert}) {
    *moment = [&](EntityBase&) {
      session().Rollback();
      return absl::OkStatus();
    };
    const auto note = MakeNote("new");
    SHARD_ASSERT_OK(session().Add(note));
    EXPECT_THAT(session().Flush(), HasCode(Code::kFailedPrecondition));
    EXPECT_EQ(note->object_state(), ObjectState::kTransient);
    *moment = nullptr;
    SHARD_ASSERT_OK(session().Commit());
    EXPECT_EQ(Rows(), 0);
  }
}

TEST_P(ListenerTest, ACommitDoesNotOutliveARollback) {
  const auto roll_back = [](ShardedSession& session) {
    session.Rollback();
    return absl::OkStatus();
  };
  for (Recorder::OnSession* moment :
       {&recorder_->before_commit, &recorder_->after_flush}) {
    *moment = roll_back;
    SHARD_ASSERT_OK(session().Add(MakeNote("new")));
    EXPECT_THAT(session().Commit(),
                StatusIs(Code::kFailedPrecondition, HasSubstr("listener")));
    *moment = nullptr;
    SHARD_ASSERT_OK(session().Commit());
    EXPECT_EQ(Rows(), 0);
  }
}

TEST_P(ListenerTest, NestedTransactionsDoNotEndWithinAFlush) {
  SHARD_ASSERT_OK(session().BeginNested());
  const auto note = MakeNote("new");
  SHARD_ASSERT_OK(session().Add(note));
  recorder_->before_insert = [&](EntityBase&) {
    EXPECT_THAT(session().BeginNested(), HasCode(Code::kFailedPrecondition));
    EXPECT_THAT(session().CommitNested(), HasCode(Code::kFailedPrecondition));
    EXPECT_THAT(session().RollbackNested(), HasCode(Code::kFailedPrecondition));
    return absl::OkStatus();
  };
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(Rows(), 1);
}

TEST_P(ListenerTest, ACloseFromWithinAFlushDetaches) {
  const auto stored = Stored("stored");
  recorder_->before_insert = [&](EntityBase&) {
    session().Close();
    return absl::OkStatus();
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  EXPECT_THAT(session().Flush(), HasCode(Code::kFailedPrecondition));
  EXPECT_EQ(stored->object_state(), ObjectState::kDetached);
  EXPECT_EQ(Rows(), 1);
}

TEST_P(ListenerTest, BeforeARollbackNothingIsFlushed) {
  recorder_->before_rollback = [&](ShardedSession& session) {
    session.Rollback();  // is under way
    return session.Scalars(Select<Note>()).status();
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  session().Rollback();
  EXPECT_THAT(Take(), ElementsAre("before rollback", "after rollback"));
  EXPECT_EQ(Rows(), 0);
}

TEST_P(ListenerTest, ExceptionsLeaveASessionThatCanGoOn) {
  for (Recorder::OnObject* moment :
       {&recorder_->before_insert, &recorder_->after_insert}) {
    *moment = [](EntityBase&) -> absl::Status {
      throw std::runtime_error("out of luck");
    };
    const auto note = MakeNote("new");
    SHARD_ASSERT_OK(session().Add(note));
    EXPECT_THROW(session().Flush().IgnoreError(), std::runtime_error);
    if (moment == &recorder_->after_insert) {
      EXPECT_THAT(session().Commit(), HasCode(Code::kFailedPrecondition));
    }
    *moment = nullptr;
    session().Rollback();
    EXPECT_EQ(note->object_state(), ObjectState::kTransient);
    SHARD_ASSERT_OK(session().Commit());
    EXPECT_EQ(Rows(), 0);
  }
}

TEST_P(ListenerTest, ExceptionsDoNotKeepObjectsAfterTheSession) {
  const auto stored = Stored("stored");
  recorder_->before_insert = [](EntityBase&) -> absl::Status {
    throw std::runtime_error("out of luck");
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  EXPECT_THROW(session().Flush().IgnoreError(), std::runtime_error);
  session_.reset();
  EXPECT_EQ(stored->object_state(), ObjectState::kDetached);
  stored->text = "nobody hears";
}

TEST_P(ListenerTest, AfterAnInsertItsKeyIsKnown) {
  std::int64_t key = 0;
  recorder_->after_insert = [&](EntityBase& object) {
    key = AsNote(object).id.value();
    AsNote(object).text = "second thoughts";
    return absl::OkStatus();
  };
  const auto note = MakeNote("first");
  SHARD_ASSERT_OK(session().Add(note));
  SHARD_ASSERT_OK(session().Flush());
  EXPECT_EQ(key, note->id.value());
  EXPECT_GT(key, 0);
  EXPECT_EQ(ReadNumber(home(), "select count(*) from notes"), 0);
  Take();
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(ReadText(home(), "select text from notes"), "second thoughts");
  EXPECT_THAT(Take(), ElementsAre("before commit", "before flush",
                                  "before update second thoughts",
                                  "after update second thoughts", "after flush",
                                  "after commit of 1"));
}

TEST_P(ListenerTest, CommitFlushesUntilThereIsNoMore) {
  int left = 3;
  recorder_->after_flush = [&](ShardedSession& session) {
    if (left-- == 0) return absl::OkStatus();
    return session.Add(MakeNote(absl::StrCat("follows ", left)));
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("first")));
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(Rows(), 4);
}

TEST_P(ListenerTest, CommitDoesNotFlushForEver) {
  recorder_->after_flush = [&](ShardedSession& session) {
    return session.Add(MakeNote("again"));
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("first")));
  EXPECT_THAT(session().Commit(),
              StatusIs(Code::kFailedPrecondition, HasSubstr("AfterFlush")));
  session().Rollback();
  EXPECT_EQ(Rows(), 0);
}

TEST_P(ListenerTest, BeforeACommitTheSessionMayBeUsed) {
  recorder_->before_commit = [&](ShardedSession& session) {
    EXPECT_THAT(session.Commit(), HasCode(Code::kFailedPrecondition));
    return session.Add(MakeNote("audit"));
  };
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_THAT(Take(), ElementsAre("before commit", "before flush",
                                  "before insert audit", "after insert audit",
                                  "after flush", "after commit of 1"));
  recorder_->before_commit = [&](ShardedSession&) {
    return absl::InvalidArgumentError("not yet");
  };
  SHARD_ASSERT_OK(session().Add(MakeNote("more")));
  EXPECT_THAT(session().Commit(), HasCode(Code::kInvalidArgument));
  recorder_->before_commit = nullptr;
  SHARD_ASSERT_OK(session().Commit());
  EXPECT_EQ(Rows(), 2);
}

TEST_P(ListenerTest, RollbacksAreTold) {
  SHARD_ASSERT_OK(session().Add(MakeNote("new")));
  SHARD_ASSERT_OK(session().Flush());
  std::size_t seen = 0;
  recorder_->before_rollback = [&](ShardedSession& session) {
    auto notes = session.Scalars(Select<Note>());
    seen = notes.ok() ? notes->size() : 0;
    return absl::OkStatus();
  };
  Take();
  session().Rollback();
  EXPECT_EQ(seen, 1);
  EXPECT_THAT(Take(),
              ElementsAre("before rollback", "load new", "after rollback"));
  session().Rollback();  // nothing was begun
  EXPECT_THAT(Take(), IsEmpty());

  recorder_->before_rollback = nullptr;
  SHARD_ASSERT_OK(session().Execute("select 1", {}, AtHome<Note>()));
  session_.reset();
  EXPECT_THAT(Take(), ElementsAre("before rollback", "after rollback"));
}

TEST_P(ListenerTest, LoadsAreToldOnceForEachTime) {
  const auto note = Stored("text");
  const std::int64_t id = note->id.value();
  ShardedSession other(Listened());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto first, other.Get<Note>(id));
  EXPECT_THAT(Take(), ElementsAre("load text"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto held, other.Scalars(Select<Note>()));
  EXPECT_THAT(Take(), IsEmpty());  // it was there already
  SHARD_ASSERT_OK(other.Expire(*first));
  EXPECT_EQ(first->text.value(), "text");
  EXPECT_THAT(Take(), ElementsAre("load text"));
}

TEST_P(ListenerTest, SeveralAreCalledInOrder) {
  std::vector<int> order;
  SessionOptions two = options();
  for (const int number : {1, 2}) {
    auto listener = std::make_shared<Recorder>();
    listener->before_flush = [&order, number](ShardedSession&) {
      order.push_back(number);
      return absl::OkStatus();
    };
    two.listeners.push_back(std::move(listener));
  }
  ShardedSession session(two);
  SHARD_ASSERT_OK(session.Add(MakeNote("new")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(order, ElementsAre(1, 2));
}

// Also about what another one changes, at whatever moment.
TEST_P(ListenerTest, EachIsAskedOnceAboutEachObjectThatIsWritten) {
  const auto second = std::make_shared<Recorder>();
  SessionOptions two = Listened();
  two.listeners.push_back(second);
  ShardedSession session(two);
  std::vector<std::shared_ptr<Note>> notes;
  for (const char* text : {"idle", "changed", "touched", "doomed", "late"}) {
    notes.push_back(MakeNote(text));
    SHARD_ASSERT_OK(session.Add(notes.back()));
  }
  SHARD_ASSERT_OK(session.Commit());
  const auto idle = notes[0], changed = notes[1], touched = notes[2],
             doomed = notes[3], late = notes[4];
  idle->text = "never mind";
  SHARD_ASSERT_OK(session.Expire(*idle));
  EXPECT_EQ(idle->text.value(), "idle");
  changed->text = "changed!";
  SHARD_ASSERT_OK(session.Delete(doomed));
  second->before_update = [&](EntityBase& object) {
    if (&object != changed.get()) return absl::OkStatus();
    touched->text = "touched!";
    idle->text = "idle!";
    changed->text = "changed!!";
    return absl::OkStatus();
  };
  second->before_delete = [&](EntityBase&) {
    late->text = "late!";
    return absl::OkStatus();
  };
  Take();
  second->Take();
  SHARD_ASSERT_OK(session.Flush());
  const auto told = ElementsAre(
      "before flush", "before update changed!", "before update touched!",
      "before update idle!", "before delete doomed", "before update late!",
      "after update idle!", "after update changed!!", "after update touched!",
      "after update late!", "after delete doomed", "after flush");
  EXPECT_THAT(Take(), told);
  EXPECT_THAT(second->Take(), told);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(),
                       "select count(*) from notes where text in ('idle!', "
                       "'changed!!', 'touched!', 'late!')"),
            4);
}

struct Heard {
  std::string shard, statement;
  std::size_t parameters, rows;
  bool ok;
  absl::Duration elapsed;
};

class StatementRecorder : public SessionListener {
 public:
  void OnStatement(std::string_view shard,
                   const StatementEvent& event) override {
    const std::lock_guard lock(mutex_);
    heard_.push_back({std::string(shard), std::string(event.statement),
                      event.parameters, event.rows, event.ok, event.elapsed});
  }
  // Those whose text has that in it, and forgets all.
  std::vector<Heard> Take(std::string_view text) {
    const std::lock_guard lock(mutex_);
    std::vector<Heard> found;
    for (const Heard& each : heard_) {
      if (absl::StrContains(each.statement, std::string(text))) {
        found.push_back(each);
      }
    }
    heard_.clear();
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<Heard> heard_;
};

TEST_P(ListenerTest, StatementsAreToldWithShardAndRows) {
  const auto statements = std::make_shared<StatementRecorder>();
  SessionOptions listened = options();
  listened.listeners = {statements};
  ShardedSession session(listened);
  for (const char* text : {"one", "two", "three"}) {
    SHARD_ASSERT_OK(session.Add(MakeNote(text)));
  }
  SHARD_ASSERT_OK(session.Flush());
  const auto inserts = statements->Take("INSERT INTO ");
  ASSERT_EQ(inserts.size(), 1);
  EXPECT_EQ(inserts[0].shard, "s0");
  EXPECT_GE(inserts[0].parameters, 6);
  EXPECT_EQ(inserts[0].rows, 3);
  EXPECT_TRUE(inserts[0].ok);
  EXPECT_GT(inserts[0].elapsed, absl::ZeroDuration());
  EXPECT_LT(inserts[0].elapsed, absl::Minutes(1));

  SHARD_ASSERT_OK(session.Execute(
      Update<Note>().Set(Note::c.text = "x").Where(Note::c.region == "eu")));
  const auto updates = statements->Take("UPDATE ");
  ASSERT_EQ(updates.size(), 1);
  EXPECT_EQ(updates[0].rows, 3);
  EXPECT_EQ(updates[0].parameters, 2);

  SHARD_ASSERT_OK(
      session.Scalars(Select<Note>().Where(Note::c.region == "eu").Limit(2)));
  std::size_t rows = 0;
  for (const Heard& each : statements->Take("")) rows += each.rows;
  EXPECT_EQ(rows, 2);

  EXPECT_FALSE(session.Execute("select nonsense", {}, AtHome<Note>()).ok());
  const auto failed = statements->Take("nonsense");
  ASSERT_EQ(failed.size(), is_sqlite() ? 0 : 1);  // it does not even compile
  if (!failed.empty()) {
    EXPECT_FALSE(failed[0].ok);
  }
  session.Rollback();
  EXPECT_EQ(statements->Take("ROLLBACK").size(), 1);
}

TEST_P(ListenerTest, OnlyTheirOwnSessionsStatementsAreTold) {
  const auto statements = std::make_shared<StatementRecorder>();
  {
    SessionOptions listened = options();
    listened.listeners = {statements};
    ShardedSession session(listened);
    SHARD_ASSERT_OK(session.Scalars(Select<Note>()));
    EXPECT_GE(statements->Take("SELECT ").size(), places());
  }
  statements->Take("");
  // The same connection, of another session.
  ShardedSession another(options());
  SHARD_ASSERT_OK(another.Scalars(Select<Note>()));
  EXPECT_THAT(statements->Take("").size(), 0);
}

TEST_P(ListenerTest, StatementsOfSeveralShardsNameEach) {
  if (!is_sharded()) GTEST_SKIP() << "one database";
  const auto statements = std::make_shared<StatementRecorder>();
  SessionOptions listened = options();
  listened.listeners = {statements};
  ShardedSession session(listened);
  for (const char* region : {"eu", "us"}) {
    auto note = MakeNote(region);
    note->region = region;
    SHARD_ASSERT_OK(session.Add(note));
  }
  SHARD_ASSERT_OK(session.Flush());
  std::vector<std::string> shards;
  for (const Heard& each : statements->Take("INSERT INTO ")) {
    shards.push_back(each.shard);
  }
  EXPECT_THAT(shards, ::testing::UnorderedElementsAre("s0", "s1"));
}

SHARD_ON_SESSIONS(ListenerTest);

}  // namespace
}  // namespace shard::testing
