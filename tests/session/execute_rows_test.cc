// Running statements in a session: parameters, autoflush, and what a caller
// says about where a statement belongs.
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

template <class F>
struct TownFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::int64_t, "people", ClientDefault<0>> people;
};
struct Town : Entity<Town, TownFields, "towns"> {};
constexpr auto& c = Town::c;

std::shared_ptr<Town> MakeTown(std::int64_t id, std::string name) {
  auto town = std::make_shared<Town>();
  town->id = id;
  town->name = std::move(name);
  return town;
}

// A resolver that remembers what it was asked, and asks another.
class RecordingResolver : public BindResolver {
 public:
  explicit RecordingResolver(std::shared_ptr<BindResolver> inner)
      : inner_(std::move(inner)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    Note(request);
    return inner_->Resolve(request);
  }
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override {
    Note(request);
    return inner_->ResolveAll(request);
  }
  // The classes that were asked for since the last call.
  std::vector<const sql::ClassInfo*> TakeClasses() {
    return std::exchange(classes_, {});
  }
  // The argument of that name in the last request, or "".
  std::string Tenant() const { return tenant_; }

 private:
  void Note(const BindRequest& request) {
    classes_.push_back(request.class_info);
    const sql::Value* tenant = request.arguments == nullptr
                                   ? nullptr
                                   : request.arguments->Find("tenant");
    tenant_ = tenant == nullptr ? "" : std::string(tenant->view().bytes());
  }
  std::shared_ptr<BindResolver> inner_;
  std::vector<const sql::ClassInfo*> classes_;
  std::string tenant_;
};

class ExecuteRowsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Town>();
  }
  // Towns 1 "ada", 2 "bob" and 3 "cy" at home.
  void FillTowns() {
    RunSql(home(),
           "insert into towns (id, region, name, people) values "
           "(1, 'eu', 'ada', 10), (2, 'eu', 'bob', 20), (3, 'eu', 'cy', 30)");
  }
  std::int64_t HomeTowns() { return CountRows(home(), "towns"); }
  // Text about no class goes to the home database.
  BindArguments Home() const {
    return is_sharded() ? OnShard("s0") : BindArguments();
  }
  // Options whose resolver knows a class, and no more.
  SessionOptions OnlyTownsBound() const {
    auto resolver = std::make_shared<VerticalResolver>();
    resolver->BindClass(Town::class_info(), options().resolver);
    SessionOptions only = options();
    only.resolver = std::move(resolver);
    return only;
  }
};

TEST_P(ExecuteRowsTest, Row021RunsInTheTransactionAndHasShortcuts) {
  FillTowns();
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result, session.Execute("update towns set people = :n where id = 1",
                                   {{"n", 11}}, Home()));
  EXPECT_EQ(result.affected_rows(), 1);
  EXPECT_EQ(
      session.Scalar(Select(c.people).Where(c.id == 1 && c.region == "eu"))
          .value(),
      11);
  EXPECT_THAT(
      session.Scalars(Select(c.name).Where(c.region == "eu").OrderBy(c.id))
          .value(),
      ElementsAre("ada", "bob", "cy"));
  EXPECT_THAT(session.Scalar(Select(c.people).Where(c.id == 9)),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(session.Scalar(Select(c.people)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(ReadNumber(home(), "select people from towns where id = 1"), 10);
}

TEST_P(ExecuteRowsTest, Row022ManyParameterSetsOfAnInsertAreOneBatch) {
  ShardedSession session(options());
  const std::vector<sql::Parameters> sets = {
      {{"id", 1}, {"name", "ada"}},
      {{"name", "bob"}, {"id", 2}},
      {{"id", 3}, {"name", "cy"}},
  };
  const sql::Statement insert = Insert<Town>().Values(
      c.id = Param<std::int64_t>("id"), c.name = Param<std::string>("name"),
      c.region = "eu", c.people = 7);
  SHARD_ASSERT_OK_AND_ASSIGN(auto result, session.Execute(insert, sets));
  EXPECT_EQ(result.affected_rows(), 3);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select name from towns where id = 2"), "bob");
  EXPECT_EQ(ReadNumber(home(), "select sum(people) from towns"), 21);
}

TEST_P(ExecuteRowsTest, Row022EachRowGoesWhereItsParametersSay) {
  ShardedSession session(options());
  std::vector<sql::Parameters> sets;
  for (std::int64_t id = 1; id <= 10; ++id) {
    sets.push_back({{"id", id}, {"region", id % 2 == 0 ? "us" : "eu"}});
  }
  const sql::Statement insert =
      Insert<Town>()
          .Values(c.id = Param<std::int64_t>("id"),
                  c.region = Param<std::string>("region"), c.name = "x",
                  c.people = 1)
          .Returning(c.id);
  SHARD_ASSERT_OK_AND_ASSIGN(auto result, session.Execute(insert, sets));
  EXPECT_EQ(result.affected_rows(), 10);
  std::vector<std::int64_t> ids;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, result.All());
  for (const Row& row : rows) ids.push_back(row.Get<std::int64_t>(0).value());
  if (is_sharded()) {
    EXPECT_THAT(ids, ElementsAre(1, 3, 5, 7, 9, 2, 4, 6, 8, 10));
  } else {
    EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(HomeTowns(), is_sharded() ? 5 : 10);
}

TEST_P(ExecuteRowsTest, Row022UpdatesAndDeletesBySetsOverAllPlaces) {
  ShardedSession session(options());
  std::vector<sql::Parameters> sets;
  for (std::int64_t id = 1; id <= 6; ++id) {
    sets.push_back({{"id", id}, {"region", id % 2 == 0 ? "us" : "eu"}});
  }
  SHARD_ASSERT_OK(session.Execute(
      Insert<Town>().Values(c.id = Param<std::int64_t>("id"),
                            c.region = Param<std::string>("region"),
                            c.name = "x", c.people = 0),
      sets));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto town, session.Get<Town>(2));
  log().Clear();
  const std::vector<sql::Parameters> which = {{{"which", 2}, {"n", 20}},
                                              {{"which", 3}, {"n", 30}},
                                              {{"which", 99}, {"n", 0}}};
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute(Update<Town>()
                          .Set(c.people = Param<std::int64_t>("n"))
                          .Where(c.id == Param<std::int64_t>("which")),
                      which));
  EXPECT_EQ(result.affected_rows(), 2);
  EXPECT_EQ(town->people.value(), 20);  // was expired
  // Sets that name their region go to its shard only.
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      result, session.Execute(Delete<Town>().Where(
                                  c.region == Param<std::string>("region") &&
                                  c.id == Param<std::int64_t>("id")),
                              absl::MakeConstSpan(sets).subspan(0, 1)));
  EXPECT_EQ(result.affected_rows(), 1);
  EXPECT_EQ(log().Count("DELETE"), 1u);
}

TEST_P(ExecuteRowsTest, Row022TextBySets) {
  ShardedSession session(options());
  const std::vector<sql::Parameters> sets = {{{"id", 1}}, {{"id", 2}}};
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute("insert into towns (id, region, name, people) "
                      "values (:id, 'eu', 'x', 0)",
                      sets, Home()));
  EXPECT_EQ(result.affected_rows(), 2);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(HomeTowns(), 2);
}

TEST_P(ExecuteRowsTest, Row022NoSetsRunNothing) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "ada")));
  SHARD_ASSERT_OK_AND_ASSIGN(auto result,
                             session.Execute(Delete<Town>().Where(c.id == c.id),
                                             std::vector<sql::Parameters>()));
  EXPECT_EQ(result.affected_rows(), 0);
  EXPECT_TRUE(result.All().value().empty());
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ExecuteRowsTest, Row022SetsThatDoNotFitAreNumbered) {
  ShardedSession session(options());
  const sql::Statement insert = Insert<Town>().Values(
      c.id = Param<std::int64_t>("id"), c.name = Param<std::string>("name"),
      c.region = Param<std::string>("region"), c.people = 0);
  const auto run = [&](sql::Parameters second) {
    return session
        .Execute(insert,
                 std::vector<sql::Parameters>{
                     {{"id", 1}, {"name", "ada"}, {"region", "eu"}},
                     std::move(second)})
        .status();
  };
  EXPECT_THAT(run({{"id", 2}, {"nom", "bob"}, {"region", "eu"}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("set 2"), HasSubstr("':name'"))));
  EXPECT_THAT(run({{"id", 2}, {"name", "bob"}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("set 2"), HasSubstr("':region'"))));
  EXPECT_THAT(run({{"id", 2}, {"name", "bob"}, {"region", "eu"}, {"more", 1}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("set 2"), HasSubstr("':more'"))));
  EXPECT_THAT(session.Execute(Select(c.id), std::vector<sql::Parameters>{{}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  if (is_sharded()) {
    EXPECT_THAT(run({{"id", 2}, {"name", "bob"}, {"region", "moon"}}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("set 2"), HasSubstr("region"))));
    EXPECT_THAT(
        session.Execute(
            Insert<Town>()
                .Values(c.id = Param<std::int64_t>("id"), c.region = "eu")
                .Values(c.id = 9, c.region = "us"),
            std::vector<sql::Parameters>{{{"id", 1}}}),
        StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("one row")));
  }
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_ASSERT_OK(session.Commit());  // nothing was sent: nothing is poisoned
}

TEST_P(ExecuteRowsTest, Row023TextNeedsNoMarkAndNamesItsParameters) {
  FillTowns();
  ShardedSession session(options());
  const std::string text = "select name from towns where id = :id";
  SHARD_ASSERT_OK_AND_ASSIGN(auto plain,
                             session.Execute(text, {{"id", 2}}, Home()));
  EXPECT_EQ(plain.Scalar<std::string>().value(), "bob");
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto marked, session.Execute(sql::TextSql(text), {{"id", 2}}, Home()));
  EXPECT_EQ(marked.Scalar<std::string>().value(), "bob");
}

TEST_P(ExecuteRowsTest, Row025FlushesBeforeConstructsAndText) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "ada")));
  EXPECT_EQ(session.Scalars(Select(c.id)).value().size(), 1u);
  SHARD_ASSERT_OK(session.Add(MakeTown(2, "bob")));
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result, session.Execute("select count(*) from towns", {}, Home()));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 2);
  SHARD_ASSERT_OK(session.Add(MakeTown(3, "cy")));
  SHARD_ASSERT_OK(session.Execute(
      "update towns set people = :n",
      std::vector<sql::Parameters>{{{"n", 1}}, {{"n", 2}}}, Home()));
  EXPECT_EQ(log().Count("INSERT"), 3u);
}

TEST_P(ExecuteRowsTest, Row025NotInAScopeNorForOneStatement) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "ada")));
  const auto seen = [&](ExecutionOptions how = {}) {
    return session.Scalars(Select(c.id), {}, {}, how).value().size();
  };
  EXPECT_EQ(seen({.autoflush = false}), 0u);
  {
    const NoAutoflush outer = session.NoAutoflush();
    {
      const NoAutoflush inner = session.NoAutoflush();
      EXPECT_EQ(seen(), 0u);
    }
    EXPECT_EQ(seen(), 0u);
    EXPECT_EQ(session.Scalars(Select<Town>()).value().size(), 0u);
    EXPECT_EQ(session.Get<Town>(1).value(), nullptr);
    EXPECT_EQ(seen({.autoflush = true}), 0u);
    SHARD_ASSERT_OK_AND_ASSIGN(
        auto text, session.Execute("select count(*) from towns", {}, Home()));
    EXPECT_EQ(text.Scalar<std::int64_t>().value(), 0);
  }
  EXPECT_EQ(log().Count("INSERT"), 0u);
  try {
    const NoAutoflush scope = session.NoAutoflush();
    throw std::runtime_error("out of the block");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(seen(), 1u);
}

TEST_P(ExecuteRowsTest, Row025FlushAndCommitWriteInsideTheScope) {
  ShardedSession session(options());
  const NoAutoflush scope = session.NoAutoflush();
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "ada")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 1u);
  SHARD_ASSERT_OK(session.Add(MakeTown(2, "bob")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(HomeTowns(), 2);
}

TEST_P(ExecuteRowsTest, Row025ErrorsSayThatTheyCameFromAnAutoflush) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "ada")));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "twin")));
  EXPECT_THAT(session.Execute(Select(c.id).Where(c.region == "eu")),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("autoflush"))));
}

TEST_P(ExecuteRowsTest, Row026ConnectionsDoNotFlushAndBypassTheSession) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "ada")));
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(Home()));
  EXPECT_EQ(log().Count("INSERT"), 0u);
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto town, session.Get<Town>(1));
  EXPECT_EQ(town->people.value(), 0);
  SHARD_ASSERT_OK(connection->ExecuteScript("update towns set people = 5"));
  EXPECT_EQ(town->people.value(), 0);  // the session did not notice
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(town->people.value(), 5);
}

TEST_P(ExecuteRowsTest, Row027ValuesOfTheCallersReachTheResolver) {
  FillTowns();
  auto recorder = std::make_shared<RecordingResolver>(options().resolver);
  SessionOptions with_recorder = options();
  with_recorder.resolver = recorder;
  ShardedSession session(with_recorder);
  BindArguments bind = BindTo<Town>().With("tenant", "acme");
  if (is_sharded()) bind = std::move(bind).OnShard("s0");
  SHARD_ASSERT_OK(session.Execute("select 1", {}, bind));
  EXPECT_EQ(recorder->Tenant(), "acme");
  EXPECT_THAT(recorder->TakeClasses(), ElementsAre(&Town::class_info()));
  SHARD_ASSERT_OK(session.Scalars(Select(c.id), {}, BindWith("tenant", "b")));
  EXPECT_EQ(recorder->Tenant(), "b");
  SHARD_ASSERT_OK(session.Get<Town>(1, BindWith("tenant", "d")));
  EXPECT_EQ(recorder->Tenant(), "d");
  SHARD_ASSERT_OK(session.ConnectionFor(bind));
  EXPECT_EQ(recorder->Tenant(), "acme");
  SHARD_ASSERT_OK(session.Scalars(Select(c.id)));
  EXPECT_EQ(recorder->Tenant(), "");
  // What was given is as it was, engine and all.
  EXPECT_EQ(bind.class_info, &Town::class_info());
  EXPECT_EQ(bind.values.values().size(), 1u);
}

TEST_P(ExecuteRowsTest, Row027ParametersAreNeverMutated) {
  ShardedSession session(options());
  const sql::Parameters one = {{"id", 1}, {"name", "ada"}};
  const std::vector<sql::Parameters> sets = {one, {{"name", "b"}, {"id", 2}}};
  const sql::Statement insert = Insert<Town>().Values(
      c.id = Param<std::int64_t>("id"), c.name = Param<std::string>("name"),
      c.region = "eu", c.people = 0);
  SHARD_ASSERT_OK(session.Execute(insert, sets));
  EXPECT_EQ(sets[0].values(), one.values());
  EXPECT_EQ(sets[1].values().front().first, "name");
}

TEST_P(ExecuteRowsTest, Row027TheEngineWinsOverAll) {
  FillTowns();
  EngineOptions engine_options;
  ShardedSession session(options());
  // Another engine on the same database, which no resolver knows.
  auto other = SameDatabase(*home(), engine_options);
  SHARD_ASSERT_OK_AND_ASSIGN(auto result,
                             session.Execute("select count(*) from towns", {},
                                             BindTo<Town>().OnEngine(other)));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 3);
  EXPECT_EQ(session.Scalars(Select(c.id), {}, OnEngine(other)).value().size(),
            3u);
  EXPECT_NE(session.Get<Town>(2, OnEngine(other)).value(), nullptr);
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(OnEngine(other)));
  EXPECT_NE(connection, nullptr);
  session.Rollback();
  other.reset();  // the session keeps it
  // One that the resolver knows is the shard that it is there.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto towns,
      session.Scalars(Select<Town>().Where(c.id == 1), {}, OnEngine(home())));
  ASSERT_EQ(towns.size(), 1u);
  EXPECT_EQ(towns.front()->shard(),
            is_sharded() ? ShardId::Of("s0") : ShardId());
  towns.front()->people = 99;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select people from towns where id = 1"), 99);
}

TEST_P(ExecuteRowsTest, Row027AnEngineIsWhatItIsInTheTransaction) {
  FillTowns();
  SessionOptions with_recorder = options();
  with_recorder.resolver =
      std::make_shared<RecordingResolver>(options().resolver);
  ShardedSession session(with_recorder);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto town,
                             session.Get<Town>(1));  // begins everywhere
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute("select count(*) from towns", {}, OnEngine(home())));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 3);
}

TEST_P(ExecuteRowsTest, Row028TheClassComesFromTheStatement) {
  FillTowns();
  auto recorder = std::make_shared<RecordingResolver>(options().resolver);
  SessionOptions with_recorder = options();
  with_recorder.resolver = recorder;
  ShardedSession session(with_recorder);
  const auto class_of = [&](const sql::Statement& statement,
                            const BindArguments& bind = {}) {
    EXPECT_THAT(session.Execute(statement, {}, bind).status(), IsOk());
    const auto classes = recorder->TakeClasses();
    return classes.size() == 1 ? classes.front() : nullptr;
  };
  const sql::ClassInfo* town = &Town::class_info();
  EXPECT_EQ(class_of(Select<Town>()), town);
  EXPECT_EQ(class_of(Select(c.id)), town);
  EXPECT_EQ(
      class_of(Select(Expr<std::int64_t>{sql::Literal(1)}).Where(c.id == 1)),
      town);
  EXPECT_EQ(class_of(Insert<Town>().Values(c.id = 7, c.region = "eu",
                                           c.name = "x", c.people = 0)),
            town);
  EXPECT_EQ(class_of(Update<Town>().Set(c.people = 1).Where(c.id == 7)), town);
  EXPECT_EQ(class_of(Delete<Town>().Where(c.id == 7)), town);
  // Untyped ones over the class's table too, and subqueries.
  EXPECT_EQ(class_of(sql::SelectStatement().Column(Town::table().c("id"))),
            town);
  EXPECT_EQ(
      class_of(
          sql::DeleteStatement(Town::table()).Where(ToExpression(c.id == 7))),
      town);
  EXPECT_EQ(
      class_of(Select(Subquery(Select(c.people).Where(c.id == 1))), Home()),
      town);
}

TEST_P(ExecuteRowsTest, Row029TextWithNothingToBindItSaysWhatToDo) {
  FillTowns();
  ShardedSession session(OnlyTownsBound());
  EXPECT_THAT(session.Execute("select count(*) from towns"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("no class or table"),
                             HasSubstr("class, shard or engine"))));
  EXPECT_EQ(log().CountAll(), 0u);
  BindArguments by_class = BindTo<Town>();
  if (is_sharded()) by_class = std::move(by_class).OnShard("s0");
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result, session.Execute("select count(*) from towns", {}, by_class));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 3);
  SHARD_ASSERT_OK_AND_ASSIGN(
      result,
      session.Execute("select count(*) from towns", {}, OnEngine(home())));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 3);
}

TEST_P(ExecuteRowsTest, Row030ConnectionsWithNothingToBindThem) {
  ShardedSession session(OnlyTownsBound());
  EXPECT_THAT(session.ConnectionFor(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("class, shard or engine")));
  SHARD_EXPECT_OK(session.ConnectionFor(OnEngine(home())));
  SHARD_EXPECT_OK(session.ConnectionFor(
      is_sharded() ? BindTo<Town>().OnShard("s0") : BindTo<Town>()));
}

SHARD_ON_SESSIONS(ExecuteRowsTest);

}  // namespace
}  // namespace shard::testing
