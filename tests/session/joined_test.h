// Sessions inside a transaction that somebody else has begun.
#ifndef SHARD_TESTS_SESSION_JOINED_TEST_H_
#define SHARD_TESTS_SESSION_JOINED_TEST_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/session/session_listener.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {

// The texts that it heard.
class Statements : public SessionListener {
 public:
  void OnStatement(std::string_view, const StatementEvent& event) override {
    texts.emplace_back(event.statement);
  }
  std::vector<std::string> texts;
};

// The caller's connection, and sessions that join what it has begun.
class JoinedTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (IsSkipped()) return;
    Open<Note>();
    SHARD_ASSERT_OK_AND_ASSIGN(outer_, home()->Connect());
  }
  void TearDown() override { outer_.Return(); }

  ShardedSession Join(JoinTransactionMode mode,
                      SessionListeners listeners = {}) {
    SessionOptions joined = options();
    joined.listeners = std::move(listeners);
    joined.joined.push_back({home().get(), &*outer_, mode});
    return ShardedSession(std::move(joined));
  }
  BindArguments Place() const {
    return is_sharded() ? OnShard("s0") : BindArguments();
  }
  // By the caller.
  void Insert(const std::string& text) {
    SHARD_ASSERT_OK(outer_->ExecuteScript(
        "INSERT INTO notes (region, text) VALUES ('eu', '" + text + "')"));
  }
  static absl::Status Add(ShardedSession& session, std::string text) {
    return session.Add(MakeNote(std::move(text)));
  }
  static absl::Status Write(ShardedSession& session, std::string text) {
    SHARD_RETURN_IF_ERROR(Add(session, std::move(text)));
    return session.Flush();
  }
  // The texts that are committed, in alphabetical order.
  std::string Committed() {
    std::string texts;
    for (const char* text : {"i", "o", "s", "t"}) {
      if (ReadNumber(home(), std::string("select count(*) from notes where "
                                         "text = '") +
                                 text + "'") > 0) {
        texts += text;
      }
    }
    return texts;
  }

  PooledConnection outer_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_JOINED_TEST_H_
