// PostgreSQL servers that go down, or fall silent, at the worst moment.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/tests/dialects/postgres_participant_support.h"

namespace shard {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::StatusIs;
using Code = absl::StatusCode;

std::string Int16(int value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string Int32(std::uint32_t value) {
  return Int16(static_cast<int>(value >> 16)) +
         Int16(static_cast<int>(value & 0xFFFF));
}
std::string Text(std::string_view text) { return std::string(text) + '\0'; }
std::string Message(char type, const std::string& body) {
  return type + Int32(static_cast<std::uint32_t>(body.size() + 4)) + body;
}
std::string Ready() { return Message('Z', "I"); }

// What a server says on the way down, after which it closes the connection.
std::string Panic(std::string_view sqlstate) {
  return Message('E', Text("SPANIC") + Text("VPANIC") +
                          Text("C" + std::string(sqlstate)) +
                          Text("Mcould not write the log") + '\0');
}

// Speaks as much of the protocol as is needed to be connected to. What comes
// then, a script or the end of a pipeline, gets `answer`, after which the
// connection is closed; if that is empty, it gets none, ever.
class BrokenServer {
 public:
  explicit BrokenServer(std::string answer, bool answers_catalogue = true)
      : answer_(std::move(answer)), answers_catalogue_(answers_catalogue) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, any, size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, any, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~BrokenServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const {
    return absl::StrCat("postgresql://u@127.0.0.1:", port_,
                        "/db?sslmode=disable&gssencmode=disable");
  }

 private:
  void Serve() {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    if (Read(client, Length(client))) {
      Send(client, Welcome());
      while (Converse(client)) {
      }
    }
    ::close(client);
  }
  // Answers one message; false when the conversation is over.
  bool Converse(int client) {
    char type = 0;
    if (::recv(client, &type, 1, MSG_WAITALL) != 1) return false;
    if (!Read(client, Length(client)) || type == 'X') return false;
    if (type == 'S' && std::exchange(catalogue_is_due_, false)) {
      if (answers_catalogue_) Send(client, Catalogue());
      return true;
    }
    if ((type != 'Q' && type != 'S') || answer_.empty()) return true;
    Send(client, answer_);
    return false;
  }
  static std::size_t Length(int client) {
    unsigned char bytes[4] = {0, 0, 0, 4};
    ::recv(client, bytes, 4, MSG_WAITALL);
    return (bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]) - 4;
  }
  static bool Read(int client, std::size_t length) {
    std::string body(length, ' ');
    return length == 0 || ::recv(client, body.data(), length, MSG_WAITALL) ==
                              static_cast<ssize_t>(length);
  }
  static void Send(int client, const std::string& bytes) {
    ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  static std::string Welcome() {
    std::string text = Message('R', Int32(0));
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, const char*>>{
             {"server_version", "15.0"},
             {"client_encoding", "UTF8"},
             {"TimeZone", "UTC"},
             {"DateStyle", "ISO, MDY"},
             {"IntervalStyle", "postgres"},
             {"standard_conforming_strings", "on"}}) {
      text += Message('S', Text(name) + Text(value));
    }
    return text + Message('K', Int32(1) + Int32(1)) + Ready();
  }
  // What is asked when connecting: collation, encoding, provider, slots, and
  // whether it is a standby.
  static std::string Catalogue() {
    std::string columns = Int16(5);
    std::string row = Int16(5);
    for (const std::string value : {"C", "UTF8", "c", "10", "f"}) {
      columns += Text("c") + Int32(0) + Int16(0) + Int32(25) + Int16(-1) +
                 Int32(0xFFFFFFFF) + Int16(0);
      row += Int32(static_cast<std::uint32_t>(value.size())) + value;
    }
    return Message('1', "") + Message('2', "") + Message('T', columns) +
           Message('D', row) + Message('C', Text("SELECT 1")) + Ready();
  }

  const std::string answer_;
  const bool answers_catalogue_;
  bool catalogue_is_due_ = true;  // the thread's
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

using Verb = std::function<absl::Status(Connection&)>;

// Those that change something, of which it matters whether they did.
std::vector<Verb> Verbs() {
  return {
      [](Connection& c) {
        SHARD_EXPECT_OK(c.Begin());
        return testing::Prepare(c, "a");
      },
      [](Connection& c) {
        SHARD_EXPECT_OK(c.Begin());
        return testing::Decide(c, testing::MakeRow(Decision::kCommit));
      },
      [](Connection& c) { return testing::End(c, "a", Decision::kCommit); },
      [](Connection& c) {
        return c.participant()
            .Settle(testing::MakeRow(Decision::kAbort), "", absl::Seconds(9))
            .status();
      },
      [](Connection& c) { return c.ExecuteScript("COMMIT"); },
  };
}

// Whatever it says last: what it was asked to do may be in its log.
TEST(PostgresBrokenServerTest, WordsOnTheWayDownAreALostConnection) {
  for (const char* sqlstate : {"58030", "53100", "XX000", "25P04", "57P02"}) {
    for (const Verb& verb : Verbs()) {
      const BrokenServer server(Panic(sqlstate));
      SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(server.url()));
      SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection,
                                 engine->Connect());
      EXPECT_THAT(verb(*connection),
                  StatusIs(Code::kUnavailable, HasSubstr("write the log")))
          << sqlstate;
      EXPECT_FALSE(connection->usable());
    }
  }
}

TEST(PostgresBrokenServerTest, NoWordsAtAll) {
  for (const Verb& verb : Verbs()) {
    const BrokenServer server(Message('1', ""));  // out of place
    SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(server.url()));
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
    EXPECT_THAT(verb(*connection), HasCode(Code::kUnavailable));
    EXPECT_FALSE(connection->usable());
  }
}

// Of the look that comes along with a statement.
TEST(PostgresBrokenServerTest, ALookWithoutANumber) {
  const std::string done = Message('1', "") + Message('2', "") +
                           Message('n', "") + Message('C', Text("BEGIN"));
  const BrokenServer server(done + done + done + Ready());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(server.url()));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
  SHARD_ASSERT_OK(connection->Begin());
  connection->participant().LookWithNext();
  EXPECT_THAT(testing::RunSql(*connection, "UPDATE work SET i = 1"),
              HasCode(Code::kUnavailable));
  EXPECT_FALSE(connection->usable());
}

TEST(PostgresBrokenServerTest, SilenceEndsAtTheDeadline) {
  std::vector<Verb> verbs = Verbs();
  verbs.push_back([](Connection& c) { return c.Ping(); });
  for (const Verb& verb : verbs) {
    const BrokenServer server("");
    SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(server.url()));
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
    connection->set_deadline(absl::Now() + absl::Milliseconds(30));
    EXPECT_THAT(verb(*connection), HasCode(Code::kDeadlineExceeded));
    EXPECT_FALSE(connection->usable());
  }
}

TEST(PostgresBrokenServerTest, SilenceRightAfterConnecting) {
  const BrokenServer server("", /*answers_catalogue=*/false);
  EngineOptions options;
  options.busy_timeout = absl::Seconds(1);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine,
                             OpenEngine(server.url(), options));
  EXPECT_THAT(engine->Connect(),
              StatusIs(Code::kUnavailable, HasSubstr("no answer within")));
}

}  // namespace
}  // namespace shard
