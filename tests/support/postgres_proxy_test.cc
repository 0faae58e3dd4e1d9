#include "shard/tests/support/postgres_proxy.h"

#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/url.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using Code = absl::StatusCode;
using Proxy = PostgresProxy;
using sql::ValueView;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kForever = absl::Hours(1);

// Waits for what no condition variable tells of.
template <class Condition>
bool Eventually(Condition condition) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

// A client that says byte for byte what it is told to.
class RawClient {
 public:
  explicit RawClient(const std::string& url)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const auto parsed = Url::Parse(url);
    EXPECT_THAT(parsed, IsOk());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(parsed->port.value());
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::connect(fd_, any, sizeof(address)), 0);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(std::string_view bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // True when the connection ended in order, and not by a reset.
  bool ReadToEnd(std::string* bytes) {
    char piece[4096];
    while (true) {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, 60'000) != 1) return false;
      const ssize_t count = ::recv(fd_, piece, sizeof(piece), 0);
      if (count <= 0) return count == 0;
      bytes->append(piece, count);
    }
  }

 private:
  const int fd_;
};

std::string Number32(std::size_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) {
    bytes += static_cast<char>(number >> shift & 0xff);
  }
  return bytes;
}

std::string Packet(std::string_view type, std::string_view text) {
  return absl::StrCat(std::string(type), Number32(4 + text.size()),
                      std::string(text));
}

std::string QueryPacket(const std::string& sql) {
  return Packet("Q", std::string_view(sql.c_str(), sql.size() + 1));
}

const std::string& TlsPacket() {
  static const std::string packet = Packet("", Number32(80877103));
  return packet;
}

std::string StartupPacket(const Url& url) {
  std::string text = Number32(3 << 16);
  for (const std::string_view part :
       {std::string_view("user"), std::string_view(url.user),
        std::string_view("database"), std::string_view(url.path),
        std::string_view()}) {
    text += part;
    text += '\0';
  }
  return Packet("", text);
}

// The types of the messages that `bytes` consists of; '?' for a broken one.
std::string TypesOf(std::string_view bytes) {
  std::string types;
  while (!bytes.empty()) {
    std::size_t length = 0;
    for (std::size_t i = 1; i <= 4 && i < bytes.size(); ++i) {
      length = length << 8 | static_cast<unsigned char>(bytes[i]);
    }
    if (length < 4 || bytes.size() < 1 + length) return types + '?';
    types += bytes[0];
    bytes.remove_prefix(1 + length);
  }
  return types;
}

using PqConnection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using PqResult = std::unique_ptr<PGresult, decltype(&PQclear)>;

// For what the library's connection does not do.
PqConnection ConnectByLibpq(const std::string& url) {
  PqConnection connection(PQconnectdb(url.c_str()), &PQfinish);
  EXPECT_EQ(PQstatus(connection.get()), CONNECTION_OK)
      << PQerrorMessage(connection.get());
  return connection;
}

void RunByLibpq(const PqConnection& connection, const char* sql) {
  const PqResult result(PQexec(connection.get(), sql), &PQclear);
  EXPECT_EQ(PQresultStatus(result.get()), PGRES_COMMAND_OK)
      << PQerrorMessage(connection.get());
}

// A table "t" on the server, and a connection through the proxy to it.
class PostgresProxyTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (HasFatalFailure()) return;
    SHARD_ASSERT_OK(Script("CREATE TABLE t (id int, part int)"));
    SHARD_ASSERT_OK_AND_ASSIGN(
        proxy_, Proxy::Start(absl::StrCat(
                    base_url_, "?options=-c%20search_path%3D", schema_)));
    through_ = OpenThrough();
    ASSERT_NE(through_, nullptr);
    auto client = through_->Connect();
    SHARD_ASSERT_OK(client);
    client_ = *std::move(client);
  }
  void TearDown() override {
    client_.Return();
    through_.reset();
    // Or a backend that stalls would keep the schema locked.
    proxy_.reset();
    PostgresTest::TearDown();
  }

  std::shared_ptr<Engine> OpenThrough() {
    auto engine = OpenEngine(proxy_->url());
    EXPECT_THAT(engine, IsOk());
    return engine.ok() ? *std::move(engine) : nullptr;
  }
  absl::Status ConnectAndPing() {
    const std::shared_ptr<Engine> engine = OpenThrough();
    SHARD_ASSIGN_OR_RETURN(const PooledConnection client, engine->Connect());
    return client->Ping();
  }
  void InsertUncommitted() {
    SHARD_ASSERT_OK(client_->Begin());
    SHARD_ASSERT_OK(client_->ExecuteScript("INSERT INTO t VALUES (1, 1)"));
  }
  // After all backends that were cut ended.
  std::int64_t Rows(const std::string& where = "true") {
    EXPECT_TRUE(proxy_->WaitForBackends(kPatience));
    return Number("SELECT count(*) FROM t WHERE " + where);
  }
  bool BackendLives(int pid) {
    return Number(absl::StrCat(
               "SELECT count(*) FROM pg_stat_activity WHERE pid = ", pid)) == 1;
  }
  std::string Passed(Proxy::Direction direction) {
    std::string types;
    for (const Proxy::Message& message : proxy_->messages()) {
      if (message.direction == direction) types += message.type;
    }
    return types;
  }

  std::unique_ptr<Proxy> proxy_;
  std::shared_ptr<Engine> through_;
  PooledConnection client_;
};

TEST_F(PostgresProxyTest, PassesAllKindsOfResults) {
  const std::string bytes = [] {
    std::string all;
    for (int i = 0; i < 3'000'000; ++i) all += static_cast<char>(i * 7 % 256);
    return all;
  }();
  RowBatch rows;
  SHARD_ASSERT_OK(RunSql(*client_, "SELECT $1::bytea, length($1::bytea)",
                         {ValueView::Bytes(sql::ValueType::kBytes, bytes)},
                         &rows));
  ASSERT_EQ(rows.rows(), 1);
  EXPECT_TRUE(rows.row(0)[0].bytes() == bytes);  // too long to print
  EXPECT_EQ(rows.row(0)[1].integer(), 3'000'000);

  SHARD_ASSERT_OK(
      RunSql(*client_, "SELECT generate_series(1, 50000)", {}, &rows));
  ASSERT_EQ(rows.rows(), 50'000);
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_EQ(rows.row(i)[0].integer(), i + 1);
  }
  EXPECT_THAT(RunSql(*client_, "SELECT 1/0", {}, &rows),
              StatusIs(Code::kInvalidArgument, HasSubstr("division by zero")));
}

TEST_F(PostgresProxyTest, CountsMessages) {
  SHARD_ASSERT_OK(client_->ExecuteScript("SELECT 1"));
  proxy_->Arm();
  EXPECT_TRUE(proxy_->messages().empty());
  SHARD_ASSERT_OK(client_->ExecuteScript("SELECT 1; SET x.y = 'z'"));
  EXPECT_EQ(Passed(Proxy::kToServer), "Q");
  EXPECT_EQ(Passed(Proxy::kToClient), "TDCCZ");

  proxy_->Arm();
  SHARD_ASSERT_OK(ConnectAndPing());
  EXPECT_EQ(Passed(Proxy::kToServer).front(), Proxy::kStartup);
  EXPECT_EQ(Passed(Proxy::kToClient).front(), 'R');
  for (const Proxy::Message& message : proxy_->messages()) {
    EXPECT_EQ(message.connection, 1);
  }
}

TEST_F(PostgresProxyTest, MessagesInPiecesAndManyInOne) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url url, Url::Parse(base_url_));
  const std::string all =
      absl::StrCat(TlsPacket(), StartupPacket(url), QueryPacket("SELECT 1"),
                   QueryPacket("SELECT 2"), Packet("X", ""));
  for (const std::size_t piece : {std::size_t{1}, all.size()}) {
    RawClient client(proxy_->url());
    proxy_->Arm();
    for (std::size_t at = 0; at < all.size(); at += piece) {
      client.Send(std::string_view(all).substr(at, piece));
    }
    std::string answer;
    ASSERT_TRUE(client.ReadToEnd(&answer));
    EXPECT_EQ(answer.substr(0, 1), "N");
    const std::string types = TypesOf(answer.substr(1));
    EXPECT_EQ(types.substr(types.find('Z')), "ZTDCZTDCZ");
    EXPECT_EQ(Passed(Proxy::kToClient), types);
    EXPECT_EQ(Passed(Proxy::kToServer), "^QQX");
  }
}

TEST_F(PostgresProxyTest, WhatIsNotTheProtocolIsCut) {
  for (const std::string_view bytes :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"),
        std::string_view("\0\0\0\7\0\0\0", 7)}) {
    RawClient client(proxy_->url());
    proxy_->Arm();
    client.Send(bytes);
    std::string answer;
    EXPECT_TRUE(client.ReadToEnd(&answer));
    EXPECT_EQ(answer, "");
    EXPECT_TRUE(proxy_->messages().empty());
  }
}

TEST_F(PostgresProxyTest, CommitThatDoesNotReachTheServer) {
  InsertUncommitted();
  proxy_->Arm({Proxy::kToServer, 0, Proxy::kCutBefore});
  EXPECT_FALSE(proxy_->fault_happened());
  EXPECT_THAT(client_->Commit(), HasCode(Code::kUnavailable));
  EXPECT_TRUE(proxy_->fault_happened());
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(Rows(), 0);
}

TEST_F(PostgresProxyTest, CommitThatReachesTheServerThatCannotAnswer) {
  InsertUncommitted();
  proxy_->Arm({Proxy::kToServer, 0, Proxy::kCutAfter});
  EXPECT_THAT(client_->Commit(), HasCode(Code::kUnavailable));
  EXPECT_TRUE(proxy_->fault_happened());
  EXPECT_EQ(Rows(), 1);
}

TEST_F(PostgresProxyTest, AnswerToCommitThatIsLost) {
  InsertUncommitted();
  proxy_->Arm({Proxy::kToClient, 0, Proxy::kCutBefore});
  EXPECT_THAT(client_->Commit(), HasCode(Code::kUnavailable));
  EXPECT_TRUE(proxy_->fault_happened());
  EXPECT_EQ(Rows(), 1);
}

TEST_F(PostgresProxyTest, CutBehindTheAnswerToCommit) {
  InsertUncommitted();
  proxy_->Arm({Proxy::kToClient, 1, Proxy::kCutAfter});
  SHARD_EXPECT_OK(client_->Commit());
  EXPECT_EQ(Passed(Proxy::kToClient), "CZ");
  EXPECT_TRUE(proxy_->fault_happened());
  EXPECT_EQ(Rows(), 1);
  EXPECT_THAT(client_->Ping(), HasCode(Code::kUnavailable));
}

// The backend works on although nobody listens any more.
TEST_F(PostgresProxyTest, WhatTheServerGotIsExecuted) {
  proxy_->Arm({Proxy::kToServer, 0, Proxy::kCutAfter});
  EXPECT_THAT(client_->ExecuteScript(
                  "SELECT repeat('x', 1000) FROM generate_series(1, 10000);"
                  "SELECT pg_sleep(0.2); INSERT INTO t VALUES (1, 1)"),
              HasCode(Code::kUnavailable));
  EXPECT_EQ(Rows(), 1);
}

// Even by a client that reads late and, knowing nothing, writes on.
TEST_F(PostgresProxyTest, WhatWasPassedOnCanBeRead) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url url, Url::Parse(base_url_));
  proxy_->Arm();
  RawClient client(proxy_->url());
  client.Send(StartupPacket(url));
  ASSERT_TRUE(Eventually(
      [&] { return Passed(Proxy::kToClient).find('Z') != std::string::npos; }));
  proxy_->Arm({Proxy::kToClient, 1, Proxy::kCutAfter});
  client.Send(QueryPacket("SELECT repeat('x', 100000)"));
  ASSERT_TRUE(proxy_->WaitForFault(kPatience));
  client.Send(QueryPacket("SELECT 1"));
  ASSERT_TRUE(proxy_->WaitForBackends(kPatience));
  client.Send(QueryPacket("SELECT 2"));
  std::string answer;
  EXPECT_TRUE(client.ReadToEnd(&answer));
  const std::string types = TypesOf(answer);
  EXPECT_EQ(types.substr(types.find('Z')), "ZTD");
  EXPECT_GT(answer.size(), 100'000);
}

TEST_F(PostgresProxyTest, AnswersThatStall) {
  InsertUncommitted();
  proxy_->Arm({Proxy::kToClient, 0, Proxy::kStall});
  auto answer =
      std::async(std::launch::async, [&] { return client_->Commit(); });
  ASSERT_TRUE(proxy_->WaitForFault(kPatience));
  EXPECT_EQ(Rows(), 1);
  EXPECT_EQ(proxy_->open_clients(), 1);
  proxy_->CutAll();
  EXPECT_THAT(answer.get(), HasCode(Code::kUnavailable));
  EXPECT_EQ(Passed(Proxy::kToClient), "C");
}

// The client is gone, its backend does not know.
TEST_F(PostgresProxyTest, HalfOpenConnections) {
  client_.Return();
  through_.reset();
  ASSERT_TRUE(Eventually([&] { return proxy_->open_clients() == 0; }));
  for (const Proxy::Action action : {Proxy::kStall, Proxy::kStallBoth}) {
    PqConnection client = ConnectByLibpq(proxy_->url());
    const int pid = PQbackendPID(client.get());
    RunByLibpq(client, "BEGIN; INSERT INTO t VALUES (1, 1)");
    proxy_->Arm({Proxy::kToServer, 0, action});
    ASSERT_EQ(PQsendQuery(client.get(), "COMMIT"), 1);
    ASSERT_TRUE(proxy_->WaitForFault(kPatience));
    EXPECT_EQ(proxy_->open_clients(), 1);
    client.reset();
    ASSERT_TRUE(Eventually([&] { return proxy_->open_clients() == 0; }));
    EXPECT_TRUE(proxy_->WaitForBackends(kPatience));  // none is to end
    EXPECT_EQ(Number(absl::StrCat("SELECT count(*) FROM pg_stat_activity WHERE "
                                  "state = 'idle in transaction' AND pid = ",
                                  pid)),
              1);
    proxy_->CutAll();
    EXPECT_TRUE(proxy_->WaitForBackends(kPatience));
    EXPECT_FALSE(BackendLives(pid));
    EXPECT_EQ(Rows(), 0);
  }
}

// A stall one way lets the other way's end through; one both ways does not.
TEST_F(PostgresProxyTest, WhatAStallLetsThrough) {
  for (const Proxy::Action action : {Proxy::kStall, Proxy::kStallBoth}) {
    PqConnection client = ConnectByLibpq(proxy_->url());
    const int pid = PQbackendPID(client.get());
    proxy_->Arm({Proxy::kToClient, 0, action});
    ASSERT_EQ(PQsendQuery(client.get(), "SELECT 1"), 1);
    ASSERT_TRUE(proxy_->WaitForFault(kPatience));
    client.reset();
    ASSERT_TRUE(Eventually([&] { return proxy_->open_clients() == 1; }));
    EXPECT_TRUE(proxy_->WaitForBackends(kPatience));
    EXPECT_EQ(BackendLives(pid), action == Proxy::kStallBoth);
  }
}

TEST_F(PostgresProxyTest, Delay) {
  proxy_->Arm({Proxy::kToClient, 0, Proxy::kDelay, absl::Milliseconds(200)});
  const absl::Time before = absl::Now();
  RowBatch rows;
  SHARD_ASSERT_OK(RunSql(*client_, "SELECT 42", {}, &rows));
  EXPECT_GE(absl::Now() - before, absl::Milliseconds(200));
  EXPECT_TRUE(proxy_->fault_happened());
  ASSERT_EQ(rows.rows(), 1);
  EXPECT_EQ(rows.row(0)[0].integer(), 42);

  proxy_->Arm({Proxy::kToServer, 0, Proxy::kDelay, absl::Milliseconds(50)});
  SHARD_EXPECT_OK(ConnectAndPing());  // the first packet has no type
  EXPECT_TRUE(proxy_->fault_happened());
}

TEST_F(PostgresProxyTest, DelayHoldsUpNothingElse) {
  InsertUncommitted();
  proxy_->Arm({Proxy::kToServer, 0, Proxy::kDelay, kForever});
  auto answer =
      std::async(std::launch::async, [&] { return client_->Commit(); });
  ASSERT_TRUE(proxy_->WaitForFault(kPatience));
  SHARD_EXPECT_OK(ConnectAndPing());
  proxy_->Arm();
  SHARD_EXPECT_OK(ConnectAndPing());
  EXPECT_EQ(Rows(), 0);
  proxy_->CutAll();
  EXPECT_THAT(answer.get(), HasCode(Code::kUnavailable));
  EXPECT_EQ(Rows(), 0);
}

TEST_F(PostgresProxyTest, FaultsAreForgotten) {
  proxy_->Arm({Proxy::kToServer, 0, Proxy::kCutBefore});
  proxy_->Arm();
  SHARD_EXPECT_OK(client_->Ping());
  EXPECT_FALSE(proxy_->fault_happened());
  EXPECT_FALSE(proxy_->WaitForFault(absl::ZeroDuration()));
  proxy_->Arm({Proxy::kToServer, 0, Proxy::kDelay, absl::ZeroDuration()});
  SHARD_EXPECT_OK(client_->Ping());
  EXPECT_TRUE(proxy_->WaitForFault(absl::ZeroDuration()));
  SHARD_EXPECT_OK(client_->Ping());  // it happens once
  proxy_->Arm();
  EXPECT_FALSE(proxy_->fault_happened());
}

TEST_F(PostgresProxyTest, CancelRequests) {
  PqConnection client = ConnectByLibpq(proxy_->url());
  const int pid = PQbackendPID(client.get());
  proxy_->Arm();
  ASSERT_EQ(PQsendQuery(client.get(), "SELECT pg_sleep(600)"), 1);
  ASSERT_TRUE(Eventually([&] {
    return Number(absl::StrCat(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event = "
               "'PgSleep' AND pid = ",
               pid)) == 1;
  }));
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(
      PQgetCancel(client.get()), &PQfreeCancel);
  char error[256] = "";
  EXPECT_EQ(PQcancel(cancel.get(), error, sizeof(error)), 1) << error;
  const PqResult result(PQgetResult(client.get()), &PQclear);
  ASSERT_EQ(PQresultStatus(result.get()), PGRES_FATAL_ERROR);
  EXPECT_STREQ(PQresultErrorField(result.get(), PG_DIAG_SQLSTATE), "57014");
  EXPECT_EQ(Passed(Proxy::kToServer), "Q!");
}

TEST_F(PostgresProxyTest, CutAll) {
  InsertUncommitted();
  SHARD_ASSERT_OK_AND_ASSIGN(const PooledConnection second,
                             through_->Connect());
  proxy_->Arm();
  proxy_->CutAll();
  EXPECT_THAT(client_->Commit(), HasCode(Code::kUnavailable));
  EXPECT_THAT(second->Ping(), HasCode(Code::kUnavailable));
  EXPECT_TRUE(proxy_->messages().empty());
  EXPECT_EQ(Rows(), 0);
  SHARD_EXPECT_OK(ConnectAndPing());
}

TEST_F(PostgresProxyTest, Refuse) {
  proxy_->Refuse(true);
  EXPECT_THAT(ConnectAndPing(), HasCode(Code::kUnavailable));
  SHARD_EXPECT_OK(client_->Ping());
  proxy_->Refuse(false);
  SHARD_EXPECT_OK(ConnectAndPing());
}

struct Case {
  Proxy::Fault fault;
  bool committed;  // what must be in the database
  bool answered;   // what the client must hear of it
};

// All messages of a transaction from connecting to the answer to its COMMIT,
// which is everything behind the first `before_commit` answers.
std::vector<Case> CasesOf(const std::string& to_server,
                          const std::string& to_client,
                          std::size_t before_commit) {
  const std::size_t commit = to_server.find_last_of("QE");
  std::vector<Case> cases;
  for (const Proxy::Action action : {Proxy::kCutBefore, Proxy::kCutAfter}) {
    const std::size_t after = action == Proxy::kCutAfter ? 1 : 0;
    for (std::size_t i = 0; i < to_server.size(); ++i) {
      cases.push_back(
          {{Proxy::kToServer, i, action}, i + after > commit, false});
    }
    for (std::size_t i = 0; i < to_client.size(); ++i) {
      cases.push_back({{Proxy::kToClient, i, action},
                       i >= before_commit,
                       i + after == to_client.size()});
    }
  }
  return cases;
}

// Connects and inserts two rows with that id. Tells, if asked to, how many
// answers there were before COMMIT.
class SmallTransaction {
 public:
  explicit SmallTransaction(const std::string& url) {
    const auto engine = OpenEngine(url);
    EXPECT_THAT(engine, IsOk());
    if (engine.ok()) engine_ = *engine;
  }

  absl::Status RunToCommit(int id) {
    SHARD_ASSIGN_OR_RETURN(client_, engine_->Connect());
    SHARD_RETURN_IF_ERROR(client_->Begin());
    for (const int part : {1, 2}) {
      SHARD_RETURN_IF_ERROR(
          RunSql(*client_, "INSERT INTO t VALUES ($1::int, $2::int)",
                 {ValueView::Int32(id), ValueView::Int32(part)})
              .status());
    }
    return absl::OkStatus();
  }
  absl::Status Commit() { return client_->Commit(); }

 private:
  std::shared_ptr<Engine> engine_;
  PooledConnection client_;
};

TEST_F(PostgresProxyTest, EveryMessageOfATransaction) {
  proxy_->Arm();
  std::size_t before_commit = 0;
  std::vector<Case> cases;
  {
    SmallTransaction whole(proxy_->url());
    SHARD_ASSERT_OK(whole.RunToCommit(0));
    before_commit = Passed(Proxy::kToClient).size();
    SHARD_ASSERT_OK(whole.Commit());
    cases = CasesOf(Passed(Proxy::kToServer), Passed(Proxy::kToClient),
                    before_commit);
  }
  ASSERT_EQ(Rows("id = 0"), 2);
  ASSERT_GT(before_commit, 10);  // they must be there to be cut

  int id = 0;
  int committed = 0;
  for (const Case& each : cases) {
    SCOPED_TRACE(absl::StrCat(
        each.fault.direction == Proxy::kToServer ? "to server" : "to client",
        each.fault.action == Proxy::kCutAfter ? " after " : " before ",
        each.fault.message));
    ASSERT_TRUE(Eventually([&] { return proxy_->open_clients() == 1; }));
    proxy_->Arm(each.fault);
    SmallTransaction transaction(proxy_->url());
    absl::Status status = transaction.RunToCommit(++id);
    if (status.ok()) status = transaction.Commit();
    EXPECT_THAT(status,
                HasCode(each.answered ? Code::kOk : Code::kUnavailable));
    EXPECT_TRUE(proxy_->fault_happened());
    EXPECT_EQ(Rows(absl::StrCat("id = ", id)), each.committed ? 2 : 0);
    committed += each.committed ? 1 : 0;
  }
  std::cout << "cut at each message: " << cases.size() << " cases, "
            << committed << " of them committed\n";
  EXPECT_GT(committed, 3);
}

// Transactions on many connections while these are cut: what was answered is
// there, once.
TEST_F(PostgresProxyTest, CutsUnderLoad) {
  constexpr int kCuts = 20;
  std::atomic<int> next_id{0};
  std::atomic<int> answered{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  std::vector<std::vector<int>> done(4);
  for (std::vector<int>& mine : done) {
    threads.emplace_back([&] {
      while (!stop) {
        SmallTransaction transaction(proxy_->url());
        const int id = ++next_id;
        if (!transaction.RunToCommit(id).ok()) continue;
        if (!transaction.Commit().ok()) continue;
        mine.push_back(id);
        ++answered;
      }
    });
  }
  for (int cut = 0; cut < kCuts; ++cut) {
    const int before = answered;
    EXPECT_TRUE(Eventually([&] { return answered > before + 2; }));
    proxy_->Arm({Proxy::kToClient, 40, Proxy::kCutBefore});
    EXPECT_TRUE(proxy_->WaitForFault(kPatience));
    EXPECT_FALSE(proxy_->messages().empty());
    if (cut % 2 == 0) proxy_->CutAll();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_LT(answered, next_id);  // else nothing was cut
  for (const std::vector<int>& mine : done) {
    for (const int id : mine) {
      EXPECT_EQ(Rows(absl::StrCat("id = ", id)), 2);
    }
  }
  EXPECT_EQ(Rows(), 2 * Rows("part = 1"));
}

std::ptrdiff_t CountThreads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

TEST_F(PostgresProxyTest, DestructorEndsAll) {
  auto connection = through_->Connect();  // a second one, idle
  SHARD_ASSERT_OK(connection);
  proxy_->Arm({Proxy::kToClient, 0, Proxy::kStallBoth});
  auto answer = std::async(std::launch::async, [&] { return client_->Ping(); });
  ASSERT_TRUE(proxy_->WaitForFault(kPatience));
  const std::string url = proxy_->url();
  const std::ptrdiff_t threads = CountThreads();
  const absl::Time before = absl::Now();
  proxy_.reset();
  EXPECT_LT(absl::Now() - before, absl::Seconds(5));
  EXPECT_THAT(answer.get(), HasCode(Code::kUnavailable));
  EXPECT_THAT((*connection)->Ping(), HasCode(Code::kUnavailable));
  // The proxy's, and the one that waited for the answer.
  EXPECT_TRUE(Eventually([&] { return CountThreads() == threads - 2; }));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(url));
  EXPECT_THAT(engine->Connect().status(), HasCode(Code::kUnavailable));
}

TEST(PostgresProxyUrlTest, KeepsTheRest) {
  constexpr char kPort[] = "127\\.0\\.0\\.1:[0-9]+";
  const std::pair<std::string, std::string> urls[] = {
      {"postgresql://127.0.0.1", absl::StrCat("postgresql://", kPort)},
      {"postgresql://[::1]:5/db", absl::StrCat("postgresql://", kPort, "/db")},
      {"postgresql://localhost?user=u",
       absl::StrCat("postgresql://", kPort, "\\?user=u")},
      {"postgresql://u:a%40b@localhost:5/db?application_name=x%20y",
       absl::StrCat("postgresql://u:a%40b@", kPort,
                    "/db\\?application_name=x%20y")}};
  for (const auto& [server, expected] : urls) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto proxy, Proxy::Start(server));
    EXPECT_THAT(proxy->url(), MatchesRegex(expected));
  }
}

TEST(PostgresProxyUrlTest, WhatIsRefused) {
  for (const char* url :
       {"nonsense", "postgresql:///db", "postgresql://u@%2Ftmp/db",
        "postgresql://u:hush-hush@h/db?port=3", "postgresql:///db?host=h"}) {
    EXPECT_THAT(Proxy::Start(url).status(),
                StatusIs(Code::kInvalidArgument, Not(HasSubstr("hush"))));
  }
  EXPECT_THAT(Proxy::Start("postgresql://u:hush-hush@host.invalid/db").status(),
              StatusIs(Code::kUnavailable, Not(HasSubstr("hush"))));
}

TEST(PostgresProxyUrlTest, ServerThatIsDown) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto proxy,
                             Proxy::Start("postgresql://u@127.0.0.1:1/db"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(proxy->url()));
  EXPECT_THAT(engine->Connect().status(), HasCode(Code::kUnavailable));
}

}  // namespace
}  // namespace shard::testing
