#include <filesystem>

#include "shard/base/testing.h"
#include "shard/dialects/schema.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/accounts.h"
namespace shard::testing {
namespace {
TEST(SmokeTest, Plain) {
  std::string path = std::string(::testing::TempDir()) + "/smoke.db";
  std::filesystem::remove(path);
  SHARD_ASSERT_OK_AND_ASSIGN(auto engine, OpenEngine("sqlite:///" + path));
  SHARD_ASSERT_OK(CreateAll(*engine, {&Account::table()}));
  ShardedSession session(engine);
  auto a = std::make_shared<Account>();
  a->owner = "ada";
  SHARD_ASSERT_OK(session.Add(a));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(a->id.value(), 1);
  EXPECT_EQ(a->note.value(), "none");
  constexpr auto& c = Account::c;
  a->balance = c.balance + 5;
  SHARD_ASSERT_OK_AND_ASSIGN(auto r, session.Commit());
  EXPECT_EQ(a->balance.value(), 5);
  a->balance = 7;
  SHARD_ASSERT_OK_AND_ASSIGN(auto all, session.Scalars(Select<Account>()
                                                           .Where(c.balance > 6)
                                                           .OrderBy(Desc(c.id))
                                                           .Limit(10)));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0], a);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto rows, session.Execute("select * from accounts where id = :id",
                                 {{"id", 1}}, BindTo<Account>()));
  SHARD_ASSERT_OK_AND_ASSIGN(auto row, rows.One());
  SHARD_ASSERT_OK_AND_ASSIGN(auto owner, row.Get<std::string>("owner"));
  EXPECT_EQ(owner, "ada");
}
TEST(SmokeTest, Sharded) {
  HorizontalOptions options;
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    std::string path = std::string(::testing::TempDir()) + "/smoke" +
                       std::to_string(i) + ".db";
    std::filesystem::remove(path);
    SHARD_ASSERT_OK_AND_ASSIGN(auto engine, OpenEngine("sqlite:///" + path));
    SHARD_ASSERT_OK(CreateAll(*engine, {&Account::table()}));
    names.push_back("s" + std::to_string(i));
    options.shards.emplace_back(names.back(), engine);
  }
  SHARD_ASSERT_OK_AND_ASSIGN(auto hash, HashStrategy::Create(names));
  options.rules.push_back(ShardBy(Account::c.id, hash));
  SHARD_ASSERT_OK_AND_ASSIGN(auto resolver,
                             HorizontalResolver::Create(options));
  SessionMaker maker({.resolver = resolver});
  ShardedSession session = maker();
  for (int i = 0; i < 100; ++i) {
    auto a = std::make_shared<Account>();
    a->id = i;
    a->owner = "o" + std::to_string(i % 7);
    SHARD_ASSERT_OK(session.Add(a));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(auto done, session.Commit());
  EXPECT_EQ(done.shares.size(), 3u) << done.ToString();
  constexpr auto& c = Account::c;
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto all,
      session.Scalars(
          Select<Account>().OrderBy(c.owner, Desc(c.id)).Limit(20).Offset(3)));
  ASSERT_EQ(all.size(), 20u);
  EXPECT_EQ(all[0]->id.value(), 77);
  SHARD_ASSERT_OK_AND_ASSIGN(auto five, session.Get<Account>(5));
  EXPECT_EQ(five->owner.value(), "o5");
  EXPECT_THAT(session.Execute(Select(Count())),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.Execute(Select(Count(c.id))),
              HasCode(absl::StatusCode::kUnimplemented));
}
}  // namespace
}  // namespace shard::testing
