// Work on several databases from one thread.
#include "shard/session/fan_out.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/tests/dialects/fake_engine.h"

namespace shard {
namespace {

using testing::FakeConnection;
using testing::FakeDatabase;

// A server that takes its work in pieces.
class FedConnection : public FakeConnection {
 public:
  explicit FedConnection(int pieces)
      : FakeConnection(std::make_shared<FakeDatabase>(), 1), pieces_(pieces) {}

  bool works_in_finish() const override { return false; }
  bool Advance() override {
    if (pieces_ > 0) --pieces_;
    return pieces_ > 0;
  }
  void set_progress(std::function<void()> progress) override {
    progress_ = std::move(progress);
    if (progress_) was_set_ = true;
  }
  // Waits for so long.
  absl::Status Wait(int times) {
    for (int i = 0; progress_ && i < times; ++i) progress_();
    return absl::OkStatus();
  }

  int pieces_;
  std::function<void()> progress_;
  bool was_set_ = false;
};

FanOutTask Task(FedConnection& connection, std::function<absl::Status()> end) {
  return {&connection, [] { return absl::OkStatus(); }, std::move(end), {}};
}

TEST(FanOutTest, ServersAreFedWhileAnotherIsWaitedFor) {
  FedConnection first(0), second(5), third(9);
  const auto none = [] { return absl::OkStatus(); };
  FanOutTask tasks[] = {Task(first, [&] { return first.Wait(10); }),
                        Task(second,
                             [&] {
                               EXPECT_EQ(second.pieces_, 0);
                               return none();
                             }),
                        Task(third, [&] {
                          EXPECT_EQ(third.pieces_, 0);
                          return none();
                        })};
  SHARD_EXPECT_OK(FanOut(absl::MakeSpan(tasks)));
  EXPECT_TRUE(first.was_set_);
  EXPECT_FALSE(first.progress_);
  EXPECT_FALSE(second.was_set_);  // there was nobody left to feed
}

TEST(FanOutTest, NobodyIsCalledForServersThatOnlyWork) {
  FedConnection first(0), second(0);
  FanOutTask tasks[] = {Task(first, [&] { return first.Wait(1); }),
                        Task(second, [&] { return second.Wait(1); })};
  SHARD_EXPECT_OK(FanOut(absl::MakeSpan(tasks)));
  EXPECT_FALSE(first.was_set_);
}

// As tasks of two shards in one database.
TEST(FanOutTest, TasksOfOneConnectionTakeTurns) {
  FedConnection shared(0), other(0);
  std::string done;
  const auto task = [&done](FedConnection& connection, const char* name,
                            absl::Status status = absl::OkStatus()) {
    return FanOutTask{&connection,
                      [&done, name] {
                        done += absl::StrCat("+", name);
                        return absl::OkStatus();
                      },
                      [&done, name, status] {
                        done += absl::StrCat("-", name);
                        return status;
                      },
                      absl::OkStatus()};
  };
  FanOutTask tasks[] = {task(shared, "a"), task(other, "x"), task(shared, "b"),
                        task(shared, "c")};
  SHARD_EXPECT_OK(FanOut(absl::MakeSpan(tasks)));
  EXPECT_EQ(done, "+a+x-a-x+b-b+c-c");
}

TEST(FanOutTest, NothingFollowsWhatFailedOnAConnection) {
  FedConnection shared(0), other(0);
  bool started = false;
  FanOutTask tasks[] = {
      Task(shared, [] { return absl::DataLossError("first"); }),
      {&shared,
       [&started] {
         started = true;
         return absl::OkStatus();
       },
       [] { return absl::OkStatus(); }, absl::OkStatus()},
      Task(other, [] { return absl::OkStatus(); })};
  EXPECT_THAT(FanOut(absl::MakeSpan(tasks)),
              testing::HasCode(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(started);
  EXPECT_THAT(tasks[1].status, testing::HasCode(absl::StatusCode::kAborted));
  SHARD_EXPECT_OK(tasks[2].status);
}

}  // namespace
}  // namespace shard
