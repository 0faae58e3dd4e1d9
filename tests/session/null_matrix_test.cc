// What unset, std::nullopt and Null() become in an INSERT and an UPDATE, for
// columns with and without defaults.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {

// Types whose nullopt is stored as a value.
struct Mood {
  std::string name;
  bool operator==(const Mood&) const = default;
};
struct Document {
  std::string text;
  bool operator==(const Document&) const = default;
};

}  // namespace shard::testing

template <>
struct shard::CustomType<shard::testing::Mood> {
  using Stored = std::string;
  static std::string ToStored(const testing::Mood& mood) { return mood.name; }
  static absl::StatusOr<testing::Mood> FromStored(std::string stored) {
    return testing::Mood{std::move(stored)};
  }
  static std::string StoreNone() { return "nothing"; }
};
template <>
struct shard::CustomType<shard::testing::Document> {
  using Stored = Json;
  static Json ToStored(const testing::Document& doc) { return {doc.text}; }
  static absl::StatusOr<testing::Document> FromStored(Json stored) {
    return testing::Document{std::move(stored.text)};
  }
  static Json StoreNone() { return {"null"}; }
};

namespace shard::testing {
namespace {

std::string ClientValue() { return "cdef"; }

// The columns of the matrix: P no default, S server default, C client default,
// N evaluates none, with a server default.
template <class F>
struct CellFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::optional<std::string>, "p"> p;
  Field<F, std::optional<std::string>, "s", ServerDefault<"'dflt'">> s;
  Field<F, std::optional<std::string>, "cl", ClientDefault<&ClientValue>> cl;
  Field<F, std::optional<std::string>, "n", ServerDefault<"'dflt'">,
        EvaluatesNone>
      n;
};
struct Cell : Entity<Cell, CellFields, "cells"> {};
constexpr auto& c = Cell::c;

template <class F>
struct PersonFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::optional<Mood>, "stored_mood", ServerDefault<"'dflt'">> mood;
  Field<F, std::optional<Document>, "stored_document"> document;
};
struct Person : Entity<Person, PersonFields, "people"> {};

enum class Given { kNothing, kNullopt, kNullWord };

struct Expected {
  const char* row;
  Given given;
  std::vector<std::string> cells;  // of P, S, C, N
};

template <class Attribute>
void Give(Attribute& attribute, Given given) {
  if (given == Given::kNullopt) attribute = std::nullopt;
  if (given == Given::kNullWord) attribute = Null();
}

class NullMatrixTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Cell, Person>();
  }
  std::string InDatabase(std::string_view column,
                         std::string_view table = "cells") {
    return ReadText(
        home(), absl::StrCat("select coalesce(cast(", std::string(column),
                             " as text), 'NULL') from ", std::string(table)));
  }
  void ExpectCells(const std::vector<std::string>& cells, const char* row) {
    const char* const columns[] = {"p", "s", "cl", "n"};
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(InDatabase(columns[i]), cells[i])
          << row << ", column " << columns[i];
    }
  }
  // An object with a value everywhere.
  static std::shared_ptr<Cell> Full() {
    const auto cell = std::make_shared<Cell>();
    for (auto* attribute : {&cell->p, &cell->s, &cell->cl, &cell->n}) {
      *attribute = "full";
    }
    return cell;
  }
  void InsertGives(const Expected& expected) {
    ShardedSession session(options());
    const auto cell = std::make_shared<Cell>();
    Give(cell->p, expected.given);
    Give(cell->s, expected.given);
    Give(cell->cl, expected.given);
    Give(cell->n, expected.given);
    SHARD_ASSERT_OK(session.Add(cell));
    SHARD_ASSERT_OK(session.Commit());
    ExpectCells(expected.cells, expected.row);
    // The object agrees with its row.
    const std::vector<std::optional<std::string>> held = {
        cell->p.value(), cell->s.value(), cell->cl.value(), cell->n.value()};
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(held[i].value_or("NULL"), expected.cells[i]) << expected.row;
    }
  }
};

TEST_P(NullMatrixTest, Row035UnsetIsLeftOutOfTheInsert) {
  InsertGives({"35", Given::kNothing, {"NULL", "dflt", "cdef", "dflt"}});
  EXPECT_THAT(log().Of("INSERT")[0].statement,
              ::testing::Not(::testing::HasSubstr("\"p\"")));
}

TEST_P(NullMatrixTest, Row036NulloptInAnInsertLetsDefaultsFire) {
  InsertGives({"36", Given::kNullopt, {"NULL", "dflt", "cdef", "NULL"}});
}

TEST_P(NullMatrixTest, Row037NullWordGoesPastEveryDefault) {
  InsertGives({"37", Given::kNullWord, {"NULL", "NULL", "NULL", "NULL"}});
  EXPECT_THAT(log().Of("INSERT")[0].statement, ::testing::HasSubstr("NULL"));
}

TEST_P(NullMatrixTest, Row036NulloptAndUnsetAreOneShape) {
  ShardedSession session(options());
  std::vector<std::shared_ptr<Cell>> cells;
  for (int i = 0; i < 4; ++i) {
    cells.push_back(std::make_shared<Cell>());
    cells.back()->p = "x";
    if (i % 2 == 0) cells.back()->s = std::nullopt;
    if (i % 2 == 0) cells.back()->cl = std::nullopt;
  }
  SHARD_ASSERT_OK(session.AddAll(cells));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 1u);
  for (const auto& cell : cells) EXPECT_EQ(cell->s.value(), "dflt");
}

// Statements know the columns they name; defaults of the client belong to
// objects.
TEST_P(NullMatrixTest, Row038StatementsLeaveOutWhatTheyDoNotName) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.Execute(Insert<Cell>().Values(c.id = 1, c.region = HomeRegion()))
          .status());
  SHARD_ASSERT_OK(session.Commit());
  ExpectCells({"NULL", "dflt", "NULL", "dflt"}, "38");
}

TEST_P(NullMatrixTest, Row040StatementsWriteTheNullsTheyAreGiven) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session
                      .Execute(Insert<Cell>().Values(
                          c.id = 1, c.region = HomeRegion(), c.p = Null(),
                          c.s = Null(), c.cl = Null(), c.n = Null()))
                      .status());
  SHARD_ASSERT_OK(session.Commit());
  ExpectCells({"NULL", "NULL", "NULL", "NULL"}, "40");
}

TEST_P(NullMatrixTest, Row040NullsBoundAsParameters) {
  const sql::Statement insert = Insert<Cell>().Values(
      c.id = Param<std::int64_t>("id"), c.region = HomeRegion(),
      c.p = Param<std::string>("p"), c.s = Param<std::string>("s"),
      c.cl = Param<std::string>("cl"), c.n = Param<std::string>("n"));
  const auto nulls = [](std::int64_t id) {
    return sql::Parameters{{"id", id},
                           {"p", sql::Value()},
                           {"s", sql::Value()},
                           {"cl", sql::Value()},
                           {"n", sql::Value()}};
  };
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Execute(insert, nulls(1)).status());
  SHARD_ASSERT_OK(session.Commit());
  ExpectCells({"NULL", "NULL", "NULL", "NULL"}, "40");
  SHARD_ASSERT_OK(
      session.Execute(insert, std::vector<sql::Parameters>{nulls(2), nulls(3)})
          .status());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(),
                       "select count(*) from cells where p is null and s is "
                       "null and cl is null and n is null"),
            3);
}

TEST_P(NullMatrixTest, Row041TypesMayStoreSomethingForNone) {
  ShardedSession session(options());
  const auto person = std::make_shared<Person>();
  person->mood = std::nullopt;
  person->document = std::nullopt;
  SHARD_ASSERT_OK(session.Add(person));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(InDatabase("stored_mood", "people"), "nothing");
  EXPECT_EQ(InDatabase("stored_document", "people"), "null");
  EXPECT_EQ(person->mood.value(), std::nullopt);
  EXPECT_EQ(person->document.value(), std::nullopt);

  person->mood = Mood{"glad"};
  person->document = Document{"[1]"};
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(person->mood.value(), Mood{"glad"});
  person->mood = std::nullopt;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(InDatabase("stored_mood", "people"), "nothing");
  EXPECT_EQ(InDatabase("stored_document", "people"), "[1]");

  person->mood = Null();
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(InDatabase("stored_mood", "people"), "NULL");
  EXPECT_EQ(person->mood.value(), std::nullopt);
}

TEST_P(NullMatrixTest, Row041UnsetStillMeansTheDefault) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(std::make_shared<Person>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(InDatabase("stored_mood", "people"), "dflt");
  EXPECT_EQ(InDatabase("stored_document", "people"), "NULL");
}

TEST_P(NullMatrixTest, Row042UpdatesWriteNullWhateverTheDefault) {
  for (const Given given : {Given::kNullopt, Given::kNullWord}) {
    ShardedSession session(options());
    const auto cell = Full();
    SHARD_ASSERT_OK(session.Add(cell));
    SHARD_ASSERT_OK(session.Commit());
    ExpectCells({"full", "full", "full", "full"}, "42");
    for (auto* attribute : {&cell->p, &cell->s, &cell->cl, &cell->n}) {
      EXPECT_EQ(attribute->value(), "full");
      Give(*attribute, given);
    }
    SHARD_ASSERT_OK(session.Commit());
    ExpectCells({"NULL", "NULL", "NULL", "NULL"}, "42");
    SHARD_ASSERT_OK(session.Delete(cell));
    SHARD_ASSERT_OK(session.Commit());
  }
}

TEST_P(NullMatrixTest, Row042LoadedNullIsNoChangeAndUnknownIs) {
  ShardedSession session(options());
  const auto cell = std::make_shared<Cell>();
  SHARD_ASSERT_OK(session.Add(cell));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(cell->p.value(), std::nullopt);
  log().Clear();
  cell->p = std::nullopt;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_ASSERT_OK(session.Commit());
  ASSERT_EQ(cell->p.state(), AttributeState::kExpired);
  cell->p = std::nullopt;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
}

TEST_P(NullMatrixTest, NulloptStaysReadableAfterAnErrorThatCanBeMended) {
  ShardedSession session(options());
  const auto cell = std::make_shared<Cell>();
  cell->p = std::nullopt;
  cell->s = std::nullopt;
  SHARD_ASSERT_OK(session.Add(cell));
  const auto person = std::make_shared<Person>();  // what cannot be planned
  person->id = SqlText<std::int64_t>(":nobody");
  SHARD_ASSERT_OK(session.Add(person));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_EQ(cell->p.value(), std::nullopt);
  EXPECT_EQ(cell->s.value(), std::nullopt);
  person->id = 1;
  SHARD_ASSERT_OK(session.Commit());
  ExpectCells({"NULL", "dflt", "cdef", "dflt"}, "36");
  EXPECT_EQ(cell->s.value(), "dflt");
}

TEST_P(NullMatrixTest, NulloptStaysReadableAfterAFlushThatIsRolledBack) {
  ShardedSession session(options());
  const auto cell = Full(), again = Full();
  cell->id = 1;
  again->id = 1;
  again->s = std::nullopt;
  SHARD_ASSERT_OK(session.Add(cell));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Add(again));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kAlreadyExists));
  session.Rollback();
  EXPECT_EQ(again->object_state(), ObjectState::kTransient);
  EXPECT_EQ(again->s.value(), std::nullopt);
}

TEST_P(NullMatrixTest, NullWordTwiceInARowOfOneObject) {
  ShardedSession session(options());
  const auto cell = Full();
  cell->s = Null();
  cell->s = std::nullopt;  // the last word counts
  SHARD_ASSERT_OK(session.Add(cell));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(InDatabase("s"), "dflt");
}

SHARD_ON_SESSIONS(NullMatrixTest);

}  // namespace
}  // namespace shard::testing
