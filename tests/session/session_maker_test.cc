// A maker of sessions: whose options count, its own class, a scope.
#include "shard/session/session_maker.h"

#include <any>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/router/topology.h"
#include "shard/session/query.h"
#include "shard/session/session_listener.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using Code = absl::StatusCode;

constexpr auto& c = Note::c;

// A session class of a user's own.
class CountingSession : public ShardedSession {
 public:
  explicit CountingSession(SessionOptions options)
      : ShardedSession(std::move(options)) {}
  absl::Status AddNote(std::string text) {
    ++notes_;
    return Add(MakeNote(std::move(text)));
  }
  int notes() const { return notes_; }

 private:
  int notes_ = 0;
};

// Counts what it hears, of whichever session.
class Ear : public SessionListener {
 public:
  void AfterCommit(ShardedSession&, const CommitResult&) override { ++commits; }
  void OnStatement(std::string_view, const StatementEvent& event) override {
    if (event.statement.starts_with("INSERT")) ++inserts;
  }
  int commits = 0;
  std::atomic<int> inserts = 0;
};

class SessionMakerTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Note>();
  }
  // Whether it flushes before it reads.
  static bool Autoflushes(ShardedSession& session) {
    EXPECT_THAT(session.Add(MakeNote("pending")), IsOk());
    const auto found = session.Scalars(Select<Note>().Where(c.region == "eu"));
    EXPECT_THAT(found.status(), IsOk());
    return found.ok() && !found->empty();
  }
};

TEST_P(SessionMakerTest, Row064CallTimeOptionsWin) {
  const SessionMaker make_session(options());
  ShardedSession usual = make_session();
  EXPECT_TRUE(Autoflushes(usual));
  usual.Close();
  ShardedSession quiet =
      make_session([](SessionOptions& options) { options.autoflush = false; });
  EXPECT_FALSE(Autoflushes(quiet));  // and it has the maker's resolver
  quiet.Close();
  ShardedSession again = make_session();
  EXPECT_TRUE(Autoflushes(again));
  SessionOptions whole = options();
  whole.autoflush = false;
  ShardedSession other = SessionMaker()(whole);
  EXPECT_FALSE(Autoflushes(other));
}

TEST_P(SessionMakerTest, Row064ConfigureCountsForLaterSessions) {
  SessionMaker make_session;
  ShardedSession unbound = make_session();
  make_session.Configure(
      [this](SessionOptions& o) { o.resolver = options().resolver; });
  make_session.Configure([](SessionOptions& o) { o.autoflush = false; });
  ShardedSession configured = make_session();  // has both
  EXPECT_FALSE(Autoflushes(configured));
  EXPECT_FALSE(unbound.Get<Note>(1).ok());
  make_session.options().autoflush = true;
  EXPECT_FALSE(Autoflushes(configured));
  configured.Close();
  ShardedSession later = make_session();
  EXPECT_TRUE(Autoflushes(later));
}

TEST_P(SessionMakerTest, Row065InfoIsMergedAndCopied) {
  SessionOptions with_info = options();
  with_info.info["program"] = std::string("shop");
  with_info.info["tenant"] = 1;
  const SessionMaker make_session(with_info);
  ShardedSession first =
      make_session([](SessionOptions& options) { options.info["tenant"] = 2; });
  ShardedSession second = make_session();
  EXPECT_EQ(std::any_cast<std::string>(first.info().at("program")), "shop");
  EXPECT_EQ(std::any_cast<int>(first.info().at("tenant")), 2);
  EXPECT_EQ(std::any_cast<int>(second.info().at("tenant")), 1);
  second.info()["tenant"] = 3;
  second.info()["more"] = true;
  EXPECT_EQ(first.info().size(), 2);
  EXPECT_EQ(std::any_cast<int>(make_session.options().info.at("tenant")), 1);
  second.Close();
  EXPECT_EQ(std::any_cast<int>(second.info().at("tenant")), 3);
  EXPECT_TRUE(ShardedSession(options()).info().empty());
}

TEST_P(SessionMakerTest, Row066TheSessionClassIsTheUsers) {
  const BasicSessionMaker<CountingSession> make_session(options());
  CountingSession session = make_session();
  SHARD_ASSERT_OK(session.AddNote("a"));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(session.notes(), 1);
  SHARD_ASSERT_OK(make_session.InTransaction(
      [](CountingSession& session) { return session.AddNote("b"); }));
  EXPECT_EQ(CountRows(home(), "notes"), 2);
}

TEST_P(SessionMakerTest, Row066ListenersOfAMakerHearOfItsSessionsOnly) {
  const auto ear = std::make_shared<Ear>();
  BasicSessionMaker<CountingSession> make_session(options());
  CountingSession earlier = make_session();
  make_session.Configure([&](SessionOptions& o) { o.listeners = {ear}; });
  const BasicSessionMaker<CountingSession> make_other(options());
  CountingSession other = make_other();
  for (CountingSession* session : {&earlier, &other}) {
    SHARD_ASSERT_OK(session->AddNote("unheard"));
    SHARD_ASSERT_OK(session->Commit());
  }
  EXPECT_EQ(ear->commits, 0);
  EXPECT_EQ(ear->inserts, 0);
  CountingSession session = make_session();
  SHARD_ASSERT_OK(session.AddNote("heard"));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ear->commits, 1);
  EXPECT_EQ(ear->inserts, 1);
  SHARD_ASSERT_OK(make_session.InTransaction(
      [](CountingSession& session) { return session.AddNote("heard"); }));
  EXPECT_EQ(ear->commits, 2);
  // For one session alone there can be others.
  CountingSession deaf =
      make_session([](SessionOptions& o) { o.listeners.clear(); });
  SHARD_ASSERT_OK(deaf.AddNote("unheard"));
  SHARD_ASSERT_OK(deaf.Commit());
  EXPECT_EQ(ear->commits, 2);
}

TEST_P(SessionMakerTest, Row067AScopeCommitsAndCloses) {
  const SessionMaker make_session(options());
  std::shared_ptr<Note> note;
  const absl::StatusOr<std::int64_t> id = make_session.InTransaction(
      [&note](ShardedSession& session) -> absl::StatusOr<std::int64_t> {
        note = MakeNote("kept");
        SHARD_RETURN_IF_ERROR(session.Add(note));
        SHARD_RETURN_IF_ERROR(session.Flush());
        return note->id.value();
      });
  SHARD_ASSERT_OK(id);
  EXPECT_EQ(note->object_state(), ObjectState::kDetached);
  EXPECT_EQ(ReadNumber(home(), "select id from notes"), *id);
  EXPECT_EQ(home()->open_connections(), 1);
}

TEST_P(SessionMakerTest, Row067AnErrorOrExceptionRollsBack) {
  const SessionMaker make_session(options());
  EXPECT_THAT(make_session.InTransaction([](ShardedSession& session) {
    SHARD_RETURN_IF_ERROR(session.Add(MakeNote("lost")));
    SHARD_RETURN_IF_ERROR(session.Flush());
    return absl::OutOfRangeError("the caller's own");
  }),
              HasCode(Code::kOutOfRange));
  EXPECT_EQ(CountRows(home(), "notes"), 0);
  const auto throws = [](ShardedSession& session) -> absl::Status {
    SHARD_RETURN_IF_ERROR(session.Add(MakeNote("lost")));
    SHARD_RETURN_IF_ERROR(session.Flush());
    throw std::runtime_error("the caller's own");
  };
  EXPECT_THROW(make_session.InTransaction(throws).IgnoreError(),
               std::runtime_error);
  EXPECT_EQ(CountRows(home(), "notes"), 0);
  EXPECT_EQ(home()->open_connections(), 1);
}

// The error of the commit comes out, and nothing stays.
TEST_P(SessionMakerTest, Row067ACommitThatFails) {
  const SessionMaker make_session(options());
  RunSql(home(), "insert into notes (id, region, text) values (7, 'eu', 'a')");
  EXPECT_THAT(make_session.InTransaction([](ShardedSession& session) {
    const auto twice = MakeNote("b");
    twice->id = 7;
    SHARD_RETURN_IF_ERROR(session.Add(MakeNote("lost")));
    return session.Add(twice);
  }),
              HasCode(Code::kAlreadyExists));
  EXPECT_EQ(CountRows(home(), "notes"), 1);
}

TEST_P(SessionMakerTest, Row067WhatFollowsDoesNotUndoIt) {
  const SessionMaker make_session(options());
  const auto work = [&] {
    SHARD_ASSERT_OK(make_session.InTransaction(
        [](ShardedSession& session) { return session.Add(MakeNote("kept")); }));
    throw std::runtime_error("later");
  };
  EXPECT_THROW(work(), std::runtime_error);
  EXPECT_EQ(CountRows(home(), "notes"), 1);
}

TEST_P(SessionMakerTest, Row068AllOptionsGoThroughTheMaker) {
  SessionMaker make_session;
  make_session.Configure([this](SessionOptions& o) {
    o.resolver = options().resolver;
    o.two_phase = false;
    o.autobegin = false;
    o.expire_on_commit = false;
  });
  ShardedSession session = make_session();
  EXPECT_THAT(session.Prepare(), HasCode(Code::kFailedPrecondition));
  const auto note = MakeNote("a");
  SHARD_ASSERT_OK(session.Add(note));
  EXPECT_THAT(session.Commit().status(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(session.Begin());
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  EXPECT_EQ(note->text.value(), "a");
  EXPECT_EQ(log().CountAll(), 0);
}

TEST_P(SessionMakerTest, Row068JoinedGoesThroughTheMaker) {
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection outer, home()->Connect());
  SHARD_ASSERT_OK(outer->Begin());
  SessionMaker make_session(options());
  make_session.Configure([&](SessionOptions& o) {
    o.joined = {{home().get(), &*outer, JoinTransactionMode::kCreateSavepoint}};
  });
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK(make_session.InTransaction(
        [](ShardedSession& session) { return session.Add(MakeNote("a")); }));
    EXPECT_TRUE(outer->in_transaction());
  }
  SHARD_ASSERT_OK(outer->Rollback());
  EXPECT_EQ(CountRows(home(), "notes"), 0);
}

TEST_P(SessionMakerTest, Row068TwoPhaseGoesThroughTheMaker) {
  if (!is_sharded()) GTEST_SKIP() << "one database decides for itself";
  TopologyOptions databases;
  databases.databases = {{"a", shard("s0")}, {"b", shard("s1")}};
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology, Topology::Open(databases));
  SessionMaker make_session(options());
  std::string decider;
  for (const char* name : {"a", "b"}) {
    make_session.Configure([&](SessionOptions& o) {
      o.two_phase = true;
      o.topology = topology;
      o.recovery.background = false;
      o.decider = name;
      o.on_two_phase = [&decider](const TwoPhaseEvent& event) {
        if (event.step == TwoPhaseStep::kDecide) decider = event.database;
      };
    });
    SHARD_ASSERT_OK(make_session.InTransaction([](ShardedSession& session) {
      const auto far = MakeNote("far");
      far->region = "us";
      SHARD_RETURN_IF_ERROR(session.Add(MakeNote("near")));
      return session.Add(far);
    }));
    EXPECT_EQ(decider, name);
  }
  EXPECT_EQ(CountRowsOnShards("notes"), 4);
}

SHARD_ON_SESSIONS(SessionMakerTest);

}  // namespace
}  // namespace shard::testing
