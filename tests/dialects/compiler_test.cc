// The SQL text of every kind of statement and expression.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/dialect.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/functions.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/sql/typed_expression.h"
#include "shard/tests/dialects/plain_dialect.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::OddDialect;
using shard::testing::PlainDialect;
using shard::testing::StatusIs;
using sql::BinaryOp;
using sql::DeleteStatement;
using sql::Expression;
using sql::InsertStatement;
using sql::Literal;
using sql::SelectStatement;
using sql::Statement;
using sql::Table;
using sql::UnaryOp;
using sql::UpdateStatement;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class CompilerTest : public ::testing::Test {
 protected:
  static absl::StatusOr<std::string> Text(
      const Statement& statement,
      const Dialect& dialect = PlainDialect::Get()) {
    const auto compiled = dialect.Compile(statement);
    if (!compiled.ok()) return compiled.status();
    return (*compiled)->text;
  }
  static std::string TextOf(const Statement& statement,
                            const Dialect& dialect = PlainDialect::Get()) {
    const auto text = Text(statement, dialect);
    return text.ok() ? *text : text.status().ToString();
  }
  // The text of an expression over people_.
  std::string ExprText(const Expression& expression,
                       const Dialect& dialect = PlainDialect::Get()) const {
    const std::string text =
        TextOf(SelectStatement().Column(expression).From(people_), dialect);
    const std::string_view before = "SELECT ", after = " FROM \"people\"";
    if (!text.starts_with(before) || !text.ends_with(after)) return text;
    return text.substr(before.size(),
                       text.size() - before.size() - after.size());
  }
  absl::Status ExprError(const Expression& expression,
                         const Dialect& dialect = PlainDialect::Get()) const {
    return Text(SelectStatement().Column(expression).From(people_), dialect)
        .status();
  }
  static const Dialect& Named(const TableNaming& naming) {
    return **PlainDialect::Get().Named(naming);
  }
  const sql::Column* Col(const Table& table, std::string_view name) const {
    return table.FindColumn(name);
  }

  const Table people_{
      "people",
      {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
       {.name = "name", .type = ValueType::kText},
       {.name = "age", .type = ValueType::kInt32},
       {.name = "pay", .type = ValueType::kDecimal},
       {.name = "boss", .type = ValueType::kInt64},
       {.name = "fit", .type = ValueType::kBool}}};
  const Table pets_{
      "pets",
      {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
       {.name = "owner", .type = ValueType::kInt64},
       {.name = "name", .type = ValueType::kText}}};

  const Expression id_ = people_.c("id");
  const Expression name_ = people_.c("name");
  const Expression age_ = people_.c("age");
  const Expression pay_ = people_.c("pay");
  const Expression fit_ = people_.c("fit");
};

// Expressions.

TEST_F(CompilerTest, Leaves) {
  EXPECT_EQ(ExprText(id_), "\"id\"");
  EXPECT_EQ(ExprText(Literal(7)), "?");
  EXPECT_EQ(ExprText(Literal(Value())), "?");  // NULL too is bound
  EXPECT_EQ(ExprText(sql::Null()), "NULL");
  EXPECT_EQ(ExprText(sql::Parameter("x")), "?");
}

TEST_F(CompilerTest, BinaryOperators) {
  const auto text = [this](BinaryOp op) {
    return ExprText(sql::Binary(op, age_, Literal(1)));
  };
  EXPECT_EQ(text(BinaryOp::kAdd), "(\"age\" + ?)");
  EXPECT_EQ(text(BinaryOp::kSubtract), "(\"age\" - ?)");
  EXPECT_EQ(text(BinaryOp::kMultiply), "(\"age\" * ?)");
  EXPECT_EQ(text(BinaryOp::kDivide), "(\"age\" / ?)");
  EXPECT_EQ(text(BinaryOp::kModulo), "(\"age\" % ?)");
  EXPECT_EQ(text(BinaryOp::kConcat), "(\"age\" || ?)");
  EXPECT_EQ(text(BinaryOp::kEqual), "(\"age\" = ?)");
  EXPECT_EQ(text(BinaryOp::kNotEqual), "(\"age\" <> ?)");
  EXPECT_EQ(text(BinaryOp::kLess), "(\"age\" < ?)");
  EXPECT_EQ(text(BinaryOp::kLessOrEqual), "(\"age\" <= ?)");
  EXPECT_EQ(text(BinaryOp::kGreater), "(\"age\" > ?)");
  EXPECT_EQ(text(BinaryOp::kGreaterOrEqual), "(\"age\" >= ?)");
  EXPECT_EQ(text(BinaryOp::kLike), "(\"age\" LIKE ?)");
  EXPECT_EQ(text(BinaryOp::kNotLike), "(\"age\" NOT LIKE ?)");
  EXPECT_EQ(ExprText(sql::Binary(BinaryOp::kLike, name_, Literal("a%")),
                     OddDialect::Get()),
            "(\"name\" LIKE $1 ESCAPE '!')");
}

TEST_F(CompilerTest, UnaryOperators) {
  EXPECT_EQ(ExprText(sql::Unary(UnaryOp::kNot, fit_)), "(NOT \"fit\")");
  EXPECT_EQ(ExprText(sql::Unary(UnaryOp::kNegate, age_)), "(-\"age\")");
  EXPECT_EQ(ExprText(sql::Unary(UnaryOp::kIsNull, age_)), "(\"age\" IS NULL)");
  EXPECT_EQ(ExprText(sql::Unary(UnaryOp::kIsNotNull, age_)),
            "(\"age\" IS NOT NULL)");
}

TEST_F(CompilerTest, UnaryOperatorsKeepTheirOperandsBesideOthers) {
  // NOT and IS NULL bind less than "=": without parentheses each of these would
  // mean something else.
  EXPECT_EQ(ExprText(sql::Binary(BinaryOp::kLess,
                                 sql::Unary(UnaryOp::kNot, fit_), fit_)),
            "((NOT \"fit\") < \"fit\")");
  EXPECT_EQ(ExprText(sql::Binary(BinaryOp::kEqual, fit_,
                                 sql::Unary(UnaryOp::kIsNull, age_))),
            "(\"fit\" = (\"age\" IS NULL))");
  // "--" would start a comment.
  EXPECT_EQ(ExprText(sql::Unary(UnaryOp::kNegate,
                                sql::Unary(UnaryOp::kNegate, age_))),
            "(-(-\"age\"))");
}

TEST_F(CompilerTest, Conjunctions) {
  const Expression a = sql::Binary(BinaryOp::kEqual, age_, Literal(1));
  const Expression b = sql::Unary(UnaryOp::kIsNull, age_);
  EXPECT_EQ(ExprText(sql::And(a, b)), "((\"age\" = ?) AND (\"age\" IS NULL))");
  EXPECT_EQ(ExprText(sql::Or(sql::And(a, b), a)),
            "(((\"age\" = ?) AND (\"age\" IS NULL)) OR (\"age\" = ?))");
  EXPECT_EQ(ExprText(sql::And(sql::Or(a, b), a)),
            "(((\"age\" = ?) OR (\"age\" IS NULL)) AND (\"age\" = ?))");
}

TEST_F(CompilerTest, InLists) {
  EXPECT_EQ(ExprText(sql::In(age_, {Literal(1), Literal(2)})),
            "(\"age\" IN (?, ?))");
  EXPECT_EQ(ExprText(sql::In(age_, {Literal(1)}, true)),
            "(\"age\" NOT IN (?))");
  EXPECT_EQ(ExprText(sql::In(age_, {})), "(1 = 0)");
  EXPECT_EQ(ExprText(sql::In(age_, {}, true)), "(1 = 1)");
}

TEST_F(CompilerTest, Between) {
  EXPECT_EQ(ExprText(sql::Between(age_, Literal(1), Literal(2))),
            "(\"age\" BETWEEN ? AND ?)");
  EXPECT_EQ(ExprText(sql::Between(age_, Literal(1), Literal(2), true)),
            "(\"age\" NOT BETWEEN ? AND ?)");
}

TEST_F(CompilerTest, Functions) {
  EXPECT_EQ(ExprText(sql::Function("substr", {name_, Literal(1)})),
            "substr(\"name\", ?)");
  EXPECT_EQ(ExprText(sql::Function("now", {})), "now()");
  EXPECT_EQ(ExprText(sql::Function("pg_catalog.lower", {name_})),
            "pg_catalog.lower(\"name\")");
  EXPECT_EQ(ExprText(Count().expression), "count(*)");
  EXPECT_EQ(ExprText(CountDistinct(Typed<std::int32_t>(age_)).expression),
            "count(DISTINCT \"age\")");
  EXPECT_EQ(ExprText(Sum(Typed<std::int32_t>(age_)).expression),
            "CAST(sum(\"age\") AS int64)");
  EXPECT_EQ(ExprText(Avg(Typed<std::int32_t>(age_)).expression),
            "CAST(avg(\"age\") AS double)");
  EXPECT_EQ(ExprText(Coalesce(Typed<std::string>(name_), "x").expression),
            "coalesce(\"name\", ?)");
  for (const char* name : {"", "a b", "f(", "1f", "a;b", "a\"b", "é", "a--"}) {
    EXPECT_THAT(ExprError(sql::Function(name, {})),
                StatusIs(kInvalid, HasSubstr("name of a function")))
        << name;
  }
}

TEST_F(CompilerTest, CaseCastAndCollate) {
  EXPECT_EQ(ExprText(sql::Case({{fit_, Literal(1)}, {fit_, age_}})),
            "CASE WHEN \"fit\" THEN ? WHEN \"fit\" THEN \"age\" END");
  EXPECT_EQ(ExprText(sql::Case({{fit_, Literal(1)}}, Literal(2))),
            "CASE WHEN \"fit\" THEN ? ELSE ? END");
  EXPECT_THAT(ExprError(sql::Case({})), StatusIs(kInvalid, HasSubstr("WHEN")));
  EXPECT_EQ(ExprText(sql::Cast(age_, ValueType::kText)),
            "CAST(\"age\" AS text)");
  EXPECT_EQ(ExprText(sql::Collate(name_, "C")),
            "(\"name\" COLLATE \"BINARY\")");
  EXPECT_EQ(ExprText(sql::Collate(name_, "de\"DE")),
            "(\"name\" COLLATE \"de\"\"DE\")");
  EXPECT_THAT(ExprError(sql::Collate(name_, "")), HasCode(kInvalid));
}

TEST_F(CompilerTest, TextInExpressions) {
  EXPECT_EQ(ExprText(sql::Text("1 + 1")), "(1 + 1)");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto compiled,
      OddDialect::Get().Compile(
          SelectStatement()
              .Column(sql::Text("f(:a, ':a', :b, :a)", {{"a", Value("x")}}))
              .Where(sql::Binary(BinaryOp::kEqual, age_, Literal(3)))));
  EXPECT_EQ(compiled->text,
            "SELECT (f($1, ':a', $2, $3)) FROM \"people\" WHERE (\"age\" = "
            "$4)");
  ASSERT_THAT(compiled->parameters, SizeIs(4));
  EXPECT_EQ(compiled->parameters[0].literal, Value("x"));
  EXPECT_EQ(compiled->parameters[1].name, "b");
  EXPECT_FALSE(compiled->parameters[1].literal.has_value());
  EXPECT_EQ(compiled->parameters[2].literal, Value("x"));
  EXPECT_EQ(compiled->parameters[3].literal, Value(3));
  EXPECT_THAT(ExprError(sql::Text("'open")), HasCode(kInvalid));
}

TEST_F(CompilerTest, MistakesInExpressionsSurface) {
  EXPECT_THAT(
      ExprError(people_.c("agge")),
      StatusIs(kInvalid, AllOf(HasSubstr("'people'"), HasSubstr("'agge'"))));
  EXPECT_THAT(ExprError(sql::Error(absl::InternalError("deep"))),
              StatusIs(absl::StatusCode::kInternal, "deep"));
  EXPECT_THAT(ExprError(sql::Binary(BinaryOp::kAdd, age_,
                                    sql::In(age_, {people_.c("x")}))),
              StatusIs(kInvalid, HasSubstr("'x'")));
  EXPECT_THAT(ExprError(sql::In(age_, {Expression()})), HasCode(kInvalid));
  EXPECT_THAT(ExprError(Expression()), HasCode(kInvalid));
}

// SELECT.

TEST_F(CompilerTest, WholeSelect) {
  SelectStatement select;
  select.Column(name_)
      .Column(Count().expression, "how many")
      .From(people_)
      .Join(pets_, sql::Binary(BinaryOp::kEqual, pets_.c("owner"), id_))
      .Where(sql::Binary(BinaryOp::kGreater, age_, Literal(30)))
      .Where(sql::Unary(UnaryOp::kIsNotNull, name_))
      .GroupBy(name_)
      .GroupBy(age_)
      .Having(sql::Binary(BinaryOp::kGreater, Count().expression, Literal(1)))
      .OrderBy({name_, true, sql::NullOrder::kLast})
      .OrderBy({age_, false, sql::NullOrder::kFirst})
      .OrderBy({id_});
  select.limit = 10;
  select.offset = 20;
  select.distinct = true;
  select.for_update = true;
  const Statement statement(select);
  EXPECT_EQ(
      TextOf(statement),
      "SELECT DISTINCT \"people\".\"name\", count(*) AS \"how many\" "
      "FROM \"people\" JOIN \"pets\" ON (\"pets\".\"owner\" = "
      "\"people\".\"id\") WHERE ((\"people\".\"age\" > ?) AND "
      "(\"people\".\"name\" IS NOT NULL)) GROUP BY \"people\".\"name\", "
      "\"people\".\"age\" HAVING (count(*) > ?) ORDER BY \"people\".\"name\" "
      "DESC NULLS LAST, \"people\".\"age\" NULLS FIRST, \"people\".\"id\" "
      "LIMIT ? OFFSET ? FOR UPDATE");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto compiled,
                             PlainDialect::Get().Compile(statement));
  EXPECT_TRUE(compiled->returns_rows);
  EXPECT_FALSE(compiled->is_write);
  ASSERT_THAT(compiled->columns, SizeIs(2));
  EXPECT_EQ(compiled->columns[0].name, "name");
  EXPECT_EQ(compiled->columns[0].type, ValueType::kText);
  EXPECT_EQ(compiled->columns[1].name, "how many");
  EXPECT_EQ(compiled->columns[1].type, ValueType::kInt64);
  ASSERT_THAT(compiled->parameters, SizeIs(4));
  EXPECT_EQ(compiled->parameters[0].literal, Value(30));
  EXPECT_EQ(compiled->parameters[2].literal, Value(10));
  EXPECT_EQ(compiled->parameters[3].literal, Value(20));
}

TEST_F(CompilerTest, SelectWithoutFrom) {
  EXPECT_EQ(TextOf(SelectStatement().Column(id_)),
            "SELECT \"id\" FROM \"people\"");
  EXPECT_EQ(TextOf(SelectStatement().Column(Literal(1))), "SELECT ?");
  // The WHERE alone says the table.
  EXPECT_EQ(TextOf(SelectStatement().Column(Literal(1)).Where(fit_)),
            "SELECT ? FROM \"people\" WHERE \"fit\"");
  EXPECT_THAT(
      Text(SelectStatement().Column(id_).Column(pets_.c("id"))),
      StatusIs(kInvalid, AllOf(HasSubstr("'people'"), HasSubstr("'pets'"),
                               HasSubstr("From()"))));
  // A table that only a join names is no reason to leave it out.
  EXPECT_THAT(Text(SelectStatement().Column(id_).Join(pets_, fit_)),
              StatusIs(kInvalid, HasSubstr("From()")));
}

TEST_F(CompilerTest, SelectNeedsColumnsAndSaneLimits) {
  EXPECT_THAT(Text(SelectStatement().From(people_)),
              StatusIs(kInvalid, HasSubstr("no columns")));
  EXPECT_THAT(Text(SelectStatement().From(people_).Column(Expression())),
              HasCode(kInvalid));
  SelectStatement select;
  select.Column(id_).limit = -1;
  EXPECT_THAT(Text(select), StatusIs(kInvalid, HasSubstr("negative")));
  select.limit.reset();
  select.offset = -1;
  EXPECT_THAT(Text(select), StatusIs(kInvalid, HasSubstr("negative")));
}

TEST_F(CompilerTest, LimitAndOffsetByDialect) {
  SelectStatement select;
  select.Column(id_).limit = 0;
  EXPECT_EQ(TextOf(select), "SELECT \"id\" FROM \"people\" LIMIT ?");
  select.limit.reset();
  select.offset = 5;
  EXPECT_EQ(TextOf(select), "SELECT \"id\" FROM \"people\" OFFSET ?");
  EXPECT_EQ(TextOf(select, OddDialect::Get()),
            "SELECT \"id\" FROM \"people\" LIMIT -1 OFFSET $1");
  select.for_update = true;
  select.offset = 0;
  EXPECT_EQ(TextOf(select), "SELECT \"id\" FROM \"people\" FOR UPDATE");
  EXPECT_EQ(TextOf(select, OddDialect::Get()), "SELECT \"id\" FROM \"people\"");
}

TEST_F(CompilerTest, ColumnOfATableNotInFromIsRefused) {
  const auto refused = [](std::string_view column) {
    return StatusIs(kInvalid,
                    AllOf(HasSubstr(std::string(column)), HasSubstr("From()")));
  };
  EXPECT_THAT(Text(SelectStatement().Column(id_).From(pets_)),
              refused("'people.id'"));
  EXPECT_THAT(Text(SelectStatement().Column(id_).From(people_).OrderBy(
                  {pets_.c("name")})),
              refused("'pets.name'"));
  EXPECT_THAT(Text(SelectStatement().Column(Count().expression).GroupBy(age_)),
              refused("'people.age'"));
  EXPECT_THAT(Text(UpdateStatement(people_)
                       .Set(sql::Assign(people_, "age", Literal(1)))
                       .Where(sql::Binary(BinaryOp::kEqual, pets_.c("id"),
                                          Literal(1)))),
              refused("'pets.id'"));
  EXPECT_THAT(Text(DeleteStatement(people_).Where(
                  sql::Unary(UnaryOp::kIsNull, pets_.c("id")))),
              refused("'pets.id'"));
  EXPECT_THAT(Text(InsertStatement(people_)
                       .Values({sql::Assign(people_, "age", Literal(1))})
                       .Returning(pets_.c("id"))),
              refused("'pets.id'"));
  // An alias hides the table's own name.
  const sql::Alias boss(people_, "boss");
  EXPECT_THAT(Text(SelectStatement().Column(id_).From(boss)),
              refused("'people.id'"));
  EXPECT_THAT(Text(SelectStatement().Column(boss.c("id")).From(people_)),
              refused("'boss'"));
  EXPECT_THAT(Text(SelectStatement()
                       .Column(sql::Excluded(*Col(people_, "id")))
                       .From(people_)),
              refused("'excluded'"));
}

TEST_F(CompilerTest, SelfJoinByAlias) {
  const sql::Alias boss(people_, "the boss");
  EXPECT_EQ(
      TextOf(SelectStatement()
                 .Column(name_)
                 .Column(boss.c("name"), "boss")
                 .From(people_)
                 .Join(boss,
                       sql::Binary(BinaryOp::kEqual, people_.c("boss"),
                                   boss.c("id")),
                       sql::JoinKind::kLeft)),
      "SELECT \"people\".\"name\", \"the boss\".\"name\" AS \"boss\" FROM "
      "\"people\" LEFT JOIN \"people\" AS \"the boss\" ON "
      "(\"people\".\"boss\" = \"the boss\".\"id\")");
  EXPECT_EQ(TextOf(SelectStatement().Column(boss.c("id"))),
            "SELECT \"the boss\".\"id\" FROM \"people\" AS \"the boss\"");
  EXPECT_THAT(Text(SelectStatement().Column(boss.c("x"))),
              StatusIs(kInvalid, HasSubstr("'x'")));
}

TEST_F(CompilerTest, JoinNeedsACondition) {
  EXPECT_THAT(
      Text(SelectStatement().Column(id_).From(people_).Join(pets_, {})),
      StatusIs(kInvalid, AllOf(HasSubstr("'pets'"), HasSubstr("condition"))));
}

TEST_F(CompilerTest, CorrelatedSubqueryQualifiesItsColumns) {
  // Both tables have "id": unqualified, the inner one would answer.
  SelectStatement inner;
  inner.Column(Count().expression)
      .From(pets_)
      .Where(sql::Binary(BinaryOp::kEqual, pets_.c("owner"), id_));
  EXPECT_EQ(
      TextOf(SelectStatement()
                 .Column(name_)
                 .Column(sql::Subquery(inner), "pets")
                 .From(people_)
                 .Where(sql::Binary(BinaryOp::kGreater, age_, Literal(3)))),
      "SELECT \"name\", (SELECT count(*) FROM \"pets\" WHERE "
      "(\"pets\".\"owner\" = \"people\".\"id\")) AS \"pets\" FROM "
      "\"people\" WHERE (\"age\" > ?)");
  EXPECT_EQ(
      TextOf(DeleteStatement(people_).Where(
          sql::Binary(BinaryOp::kEqual, sql::Subquery(inner), Literal(0)))),
      "DELETE FROM \"people\" WHERE ((SELECT count(*) FROM \"pets\" WHERE "
      "(\"pets\".\"owner\" = \"people\".\"id\")) = ?)");
  EXPECT_EQ(TextOf(UpdateStatement(people_).Set(
                sql::Assign(people_, "age", sql::Subquery(inner)))),
            "UPDATE \"people\" SET \"age\" = (SELECT count(*) FROM \"pets\" "
            "WHERE (\"pets\".\"owner\" = \"people\".\"id\"))");
  // On its own it has no outer table to look at.
  EXPECT_THAT(Text(inner), StatusIs(kInvalid, HasSubstr("'people.id'")));
}

TEST_F(CompilerTest, SubqueryScopeEndsWithIt) {
  SelectStatement inner;
  inner.Column(pets_.c("owner")).From(pets_);
  EXPECT_THAT(
      Text(SelectStatement()
               .Column(id_)
               .Where(sql::And(sql::InQuery(id_, inner),
                               sql::Unary(UnaryOp::kIsNull, pets_.c("name"))))
               .From(people_)),
      StatusIs(kInvalid, HasSubstr("'pets.name'")));
  EXPECT_EQ(TextOf(SelectStatement()
                       .Column(id_)
                       .Where(sql::InQuery(id_, inner, true))
                       .Where(fit_)),
            "SELECT \"id\" FROM \"people\" WHERE ((\"id\" NOT IN (SELECT "
            "\"pets\".\"owner\" FROM \"pets\")) AND \"fit\")");
}

TEST_F(CompilerTest, NestedSubqueriesSeeAllOuterTables) {
  const sql::Alias other(pets_, "other");
  SelectStatement innermost;
  innermost.Column(other.c("id"))
      .From(other)
      .Where(
          sql::And(sql::Binary(BinaryOp::kEqual, other.c("owner"), id_),
                   sql::Binary(BinaryOp::kLess, other.c("id"), pets_.c("id"))));
  SelectStatement inner;
  inner.Column(pets_.c("owner"))
      .From(pets_)
      .Where(sql::InQuery(pets_.c("id"), innermost, true));
  EXPECT_EQ(
      TextOf(SelectStatement().Column(id_).Where(sql::InQuery(id_, inner))),
      "SELECT \"id\" FROM \"people\" WHERE (\"id\" IN (SELECT "
      "\"pets\".\"owner\" FROM \"pets\" WHERE (\"pets\".\"id\" NOT IN "
      "(SELECT \"other\".\"id\" FROM \"pets\" AS \"other\" WHERE "
      "((\"other\".\"owner\" = \"people\".\"id\") AND (\"other\".\"id\" "
      "< \"pets\".\"id\"))))))");
}

// INSERT.

TEST_F(CompilerTest, InsertRows) {
  InsertStatement insert(people_);
  insert
      .Values({sql::Assign(people_, "name", Literal("a")),
               sql::Assign(people_, "age", Literal(1))})
      // In another order: each value still goes to its own column.
      .Values({sql::Assign(people_, "age", sql::Null()),
               sql::Assign(people_, "name", Literal("b"))})
      .Returning(id_)
      .Returning(sql::Binary(BinaryOp::kAdd, age_, Literal(1)), "next");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto compiled,
                             PlainDialect::Get().Compile(Statement(insert)));
  EXPECT_EQ(compiled->text,
            "INSERT INTO \"people\" (\"name\", \"age\") VALUES (?, ?), (?, "
            "NULL) RETURNING \"id\", (\"age\" + ?) AS \"next\"");
  ASSERT_THAT(compiled->parameters, SizeIs(4));
  EXPECT_EQ(compiled->parameters[0].literal, Value("a"));
  EXPECT_EQ(compiled->parameters[1].literal, Value(1));
  EXPECT_EQ(compiled->parameters[2].literal, Value("b"));
  EXPECT_TRUE(compiled->is_write);
  EXPECT_TRUE(compiled->returns_rows);
  ASSERT_THAT(compiled->columns, SizeIs(2));
  EXPECT_EQ(compiled->columns[0].name, "id");
  EXPECT_EQ(compiled->columns[1].name, "next");
}

TEST_F(CompilerTest, InsertOfDefaults) {
  EXPECT_EQ(TextOf(InsertStatement(people_)),
            "INSERT INTO \"people\" DEFAULT VALUES");
  EXPECT_EQ(TextOf(InsertStatement(people_).Values({})),
            "INSERT INTO \"people\" DEFAULT VALUES");
  EXPECT_THAT(Text(InsertStatement(people_).Values({}).Values({})),
              StatusIs(kInvalid, HasSubstr("several rows")));
}

TEST_F(CompilerTest, InsertRowsMustHaveTheSameColumns) {
  const auto name = sql::Assign(people_, "name", Literal("a"));
  const auto age = sql::Assign(people_, "age", Literal(1));
  for (const auto& second : std::vector<std::vector<sql::ColumnAssignment>>{
           {name}, {name, age, age}, {}, {name, name}}) {
    EXPECT_THAT(
        Text(InsertStatement(people_).Values({name, age}).Values(second)),
        StatusIs(kInvalid, AllOf(HasSubstr("'people'"), HasSubstr("row 2"))));
  }
}

TEST_F(CompilerTest, InsertRefusesForeignUnknownAndDoubledColumns) {
  EXPECT_THAT(Text(InsertStatement(people_).Values(
                  {sql::Assign(people_, "agge", Literal(1))})),
              StatusIs(kInvalid, HasSubstr("'agge'")));
  EXPECT_THAT(Text(InsertStatement(people_).Values({{nullptr, Literal(1)}})),
              HasCode(kInvalid));
  EXPECT_THAT(
      Text(InsertStatement(people_).Values(
          {sql::Assign(pets_, "name", Literal("x"))})),
      StatusIs(kInvalid, AllOf(HasSubstr("pets.name"), HasSubstr("'people'"))));
  EXPECT_THAT(
      Text(InsertStatement(people_).Values(
          {sql::Assign(people_, "age", Literal(1)),
           sql::Assign(people_, "age", Literal(2))})),
      StatusIs(kInvalid, AllOf(HasSubstr("people.age"), HasSubstr("twice"))));
}

TEST_F(CompilerTest, OnConflict) {
  const auto insert = [this] {
    return InsertStatement(people_).Values(
        {sql::Assign(people_, "id", Literal(1)),
         sql::Assign(people_, "age", Literal(2))});
  };
  const std::string start =
      "INSERT INTO \"people\" (\"id\", \"age\") VALUES (?, ?) ON CONFLICT";
  EXPECT_EQ(TextOf(insert().OnConflictDoNothing()), start + " DO NOTHING");
  EXPECT_EQ(TextOf(insert().OnConflictDoNothing(
                {Col(people_, "id"), Col(people_, "age")})),
            start + " (\"id\", \"age\") DO NOTHING");
  EXPECT_EQ(
      TextOf(insert()
                 .OnConflictUpdate(
                     {Col(people_, "id")},
                     {sql::Assign(
                         people_, "age",
                         sql::Binary(BinaryOp::kAdd, age_,
                                     sql::Excluded(*Col(people_, "age"))))})
                 .Returning(age_)),
      start +
          " (\"id\") DO UPDATE SET \"age\" = (\"people\".\"age\" + "
          "\"excluded\".\"age\") RETURNING \"age\"");
  EXPECT_THAT(Text(insert().OnConflictUpdate(
                  {}, {sql::Assign(people_, "age", Literal(1))})),
              StatusIs(kInvalid, HasSubstr("target")));
  EXPECT_THAT(Text(insert().OnConflictUpdate({Col(people_, "id")}, {})),
              StatusIs(kInvalid, HasSubstr("assignments")));
  EXPECT_THAT(Text(insert().OnConflictDoNothing({Col(people_, "nope")})),
              StatusIs(kInvalid, HasSubstr("'people'")));
  EXPECT_THAT(Text(insert().OnConflictDoNothing({Col(pets_, "id")})),
              StatusIs(kInvalid, HasSubstr("pets.id")));
  // "excluded" is over when the clause is.
  EXPECT_THAT(Text(insert().OnConflictDoNothing().Returning(
                  sql::Excluded(*Col(people_, "age")))),
              StatusIs(kInvalid, HasSubstr("'excluded'")));
}

// UPDATE and DELETE.

TEST_F(CompilerTest, Update) {
  UpdateStatement update(people_);
  update
      .Set(sql::Assign(people_, "age",
                       sql::Binary(BinaryOp::kAdd, age_, Literal(1))))
      .Set(sql::Assign(people_, "name", sql::Null()))
      .Where(sql::Binary(BinaryOp::kEqual, id_, sql::Parameter("id")))
      .Where(fit_)
      .Returning(age_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto compiled,
                             PlainDialect::Get().Compile(Statement(update)));
  EXPECT_EQ(compiled->text,
            "UPDATE \"people\" SET \"age\" = (\"age\" + ?), \"name\" = NULL "
            "WHERE ((\"id\" = ?) AND \"fit\") RETURNING \"age\"");
  EXPECT_TRUE(compiled->is_write);
  EXPECT_TRUE(compiled->returns_rows);
  EXPECT_EQ(compiled->parameters[1].name, "id");
}

TEST_F(CompilerTest, UpdateRefusesWhatItCannotSet) {
  EXPECT_THAT(Text(UpdateStatement(people_)),
              StatusIs(kInvalid, HasSubstr("no column")));
  EXPECT_THAT(Text(UpdateStatement(people_).Set(
                  sql::Assign(people_, "agge", Literal(1)))),
              StatusIs(kInvalid, HasSubstr("'agge'")));
  EXPECT_THAT(Text(UpdateStatement(people_).Set({nullptr, Literal(1)})),
              HasCode(kInvalid));
  EXPECT_THAT(
      Text(UpdateStatement(people_).Set(
          sql::Assign(pets_, "name", Literal("x")))),
      StatusIs(kInvalid, AllOf(HasSubstr("pets.name"), HasSubstr("'people'"))));
  EXPECT_THAT(Text(UpdateStatement(people_)
                       .Set(sql::Assign(people_, "age", Literal(1)))
                       .Set(sql::Assign(people_, "age", Literal(2)))),
              StatusIs(kInvalid, HasSubstr("twice")));
  EXPECT_THAT(Text(UpdateStatement(people_).Set({Col(people_, "age"), {}})),
              HasCode(kInvalid));
}

TEST_F(CompilerTest, Delete) {
  EXPECT_EQ(TextOf(DeleteStatement(people_)), "DELETE FROM \"people\"");
  EXPECT_EQ(TextOf(DeleteStatement(people_)
                       .Where(sql::Binary(BinaryOp::kEqual, id_, Literal(1)))
                       .Returning(name_, "gone")),
            "DELETE FROM \"people\" WHERE (\"id\" = ?) RETURNING \"name\" AS "
            "\"gone\"");
}

// Tables that go by other names.

TEST_F(CompilerTest, NamedTablesKeepTheirNamesInTheStatement) {
  const Dialect& eu = Named({.pattern = "eu_{table}"});
  const Expression same = sql::Binary(BinaryOp::kEqual, id_, pets_.c("owner"));
  EXPECT_EQ(Text(SelectStatement().Column(name_), eu).value(),
            "SELECT \"name\" FROM \"eu_people\" AS \"people\"");
  EXPECT_EQ(Text(SelectStatement()
                     .Column(name_)
                     .From(people_)
                     .Join(pets_, same)
                     .Join(sql::Alias(pets_, "p"), same),
                 eu)
                .value(),
            "SELECT \"people\".\"name\" FROM \"eu_people\" AS \"people\" JOIN "
            "\"eu_pets\" AS \"pets\" ON (\"people\".\"id\" = "
            "\"pets\".\"owner\") JOIN \"eu_pets\" AS \"p\" ON "
            "(\"people\".\"id\" = \"pets\".\"owner\")");
  EXPECT_EQ(Text(InsertStatement(people_)
                     .Values({sql::Assign(people_, "id", Literal(1)),
                              sql::Assign(people_, "age", Literal(2))})
                     .OnConflictUpdate({people_.FindColumn("id")},
                                       {{people_.FindColumn("age"), age_}}),
                 eu)
                .value(),
            "INSERT INTO \"eu_people\" AS \"people\" (\"id\", \"age\") VALUES "
            "(?, ?) ON CONFLICT (\"id\") DO UPDATE SET \"age\" = "
            "\"people\".\"age\"");
  EXPECT_EQ(
      Text(UpdateStatement(people_).Set(sql::Assign(people_, "age", id_)), eu)
          .value(),
      "UPDATE \"eu_people\" AS \"people\" SET \"age\" = \"id\"");
  EXPECT_EQ(Text(DeleteStatement(people_), eu).value(),
            "DELETE FROM \"eu_people\" AS \"people\"");
  EXPECT_EQ(Text(sql::TextSql("select * from people"), eu).value(),
            "select * from people");
}

TEST_F(CompilerTest, SchemasStandBeforeTheName) {
  const Dialect& eu = Named({.schema = "e\"u"});
  EXPECT_EQ(Text(SelectStatement().Column(name_), eu).value(),
            "SELECT \"name\" FROM \"e\"\"u\".\"people\"");
  EXPECT_EQ(Text(DeleteStatement(people_), eu).value(),
            "DELETE FROM \"e\"\"u\".\"people\"");
  const Dialect& both = Named({.schema = "s", .pattern = "{table}_24"});
  EXPECT_EQ(Text(DeleteStatement(people_), both).value(),
            "DELETE FROM \"s\".\"people_24\" AS \"people\"");
  EXPECT_THAT(both.CreateTable(people_),
              ::testing::ResultOf(
                  [](const auto& text) { return text.value(); },
                  HasSubstr("CREATE TABLE IF NOT EXISTS \"s\".\"people_24\"")));
  EXPECT_EQ(both.DropTable(people_).value(),
            "DROP TABLE IF EXISTS \"s\".\"people_24\"");
  EXPECT_EQ(both.CreateSchema().value(), "CREATE SCHEMA IF NOT EXISTS \"s\"");
}

TEST_F(CompilerTest, EachNamingHasOneDialect) {
  const Dialect& plain = PlainDialect::Get();
  const Dialect& eu = Named({.pattern = "eu_{table}"});
  EXPECT_EQ(&eu, &Named({.pattern = "eu_{table}"}));
  EXPECT_EQ(&eu, *eu.Named({.pattern = "eu_{table}"}));
  EXPECT_EQ(&plain, &Named({}));
  EXPECT_EQ(&plain, *eu.Named({}));
  EXPECT_EQ(&plain, &eu.plain());
  // A statement is compiled for each.
  const Statement statement = DeleteStatement(people_);
  EXPECT_EQ(Text(statement).value(), "DELETE FROM \"people\"");
  EXPECT_EQ(Text(statement, eu).value(),
            "DELETE FROM \"eu_people\" AS \"people\"");
}

TEST_F(CompilerTest, NamingsThatCannotBe) {
  const Dialect& plain = PlainDialect::Get();
  for (const char* pattern : {"", "all", "{table}{table}", "{Table}"}) {
    EXPECT_THAT(plain.Named({.pattern = pattern}),
                StatusIs(kInvalid, HasSubstr("{table}")));
  }
  EXPECT_THAT(plain.Named({.schema = std::string(21, 's')}),
              StatusIs(kInvalid, HasSubstr("21 bytes")));
  EXPECT_THAT(Text(DeleteStatement(people_),
                   Named({.pattern = "quite_long_pattern_{table}"})),
              StatusIs(kInvalid, HasSubstr("bytes")));
  EXPECT_THAT(OddDialect::Get().Named({.pattern = "eu_{table}"}),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("'odd'")));
}

// Raw text.

TEST_F(CompilerTest, RawText) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto compiled,
                             OddDialect::Get().Compile(sql::TextSql(
                                 "select :a::int, ':b', :c, :a -- :d")));
  EXPECT_EQ(compiled->text, "select $1::int, ':b', $2, $3 -- :d");
  ASSERT_THAT(compiled->parameters, SizeIs(3));
  EXPECT_EQ(compiled->parameters[0].name, "a");
  EXPECT_EQ(compiled->parameters[1].name, "c");
  EXPECT_EQ(compiled->parameters[2].name, "a");
  EXPECT_TRUE(compiled->is_write);  // not known, so taken for one
  EXPECT_THAT(compiled->columns, IsEmpty());
  EXPECT_THAT(Text(sql::TextSql("select 'open")), HasCode(kInvalid));
}

// Identifiers.

TEST_F(CompilerTest, IdentifiersAreQuoted) {
  const auto quoted = [](std::string_view name) {
    const auto text = PlainDialect::Get().QuoteIdentifier(name);
    return text.ok() ? *text : text.status().ToString();
  };
  EXPECT_EQ(quoted("select"), "\"select\"");
  EXPECT_EQ(quoted("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quoted("\""), "\"\"\"\"");
  EXPECT_EQ(quoted("x\"; DROP TABLE y"), "\"x\"\"; DROP TABLE y\"");
  EXPECT_EQ(quoted("Größe 数"), "\"Größe 数\"");
  EXPECT_EQ(quoted("new\nline"), "\"new\nline\"");
  EXPECT_EQ(quoted(std::string(20, 'n')), "\"" + std::string(20, 'n') + "\"");
  const auto& dialect = PlainDialect::Get();
  EXPECT_THAT(dialect.QuoteIdentifier(""),
              StatusIs(kInvalid, HasSubstr("empty")));
  EXPECT_THAT(dialect.QuoteIdentifier(std::string_view("a\0b", 3)),
              StatusIs(kInvalid, AllOf(HasSubstr("'a"), HasSubstr("NUL"))));
  EXPECT_THAT(dialect.QuoteIdentifier(std::string(21, 'n')),
              StatusIs(kInvalid, AllOf(HasSubstr("21 bytes"), HasSubstr("20"),
                                       HasSubstr("plain"))));
  // The bytes count, not the characters.
  EXPECT_THAT(dialect.QuoteIdentifier("äääääääääää"), HasCode(kInvalid));
}

TEST_F(CompilerTest, IdentifiersAreCheckedWhereverTheyStand) {
  const std::string_view bad("a\0b", 3);
  const Table table("t", {{.name = std::string(bad)}});
  const Table named(bad, {{.name = "x"}});
  const Expression x = table.c(bad);
  EXPECT_THAT(Text(SelectStatement().Column(x)), HasCode(kInvalid));
  EXPECT_THAT(Text(SelectStatement().Column(named.c("x"))), HasCode(kInvalid));
  EXPECT_THAT(Text(SelectStatement().Column(id_, std::string(bad))),
              HasCode(kInvalid));
  EXPECT_THAT(Text(SelectStatement().Column(sql::Alias(people_, bad).c("id"))),
              HasCode(kInvalid));
  EXPECT_THAT(Text(InsertStatement(table).Values(
                  {sql::Assign(table, bad, Literal("x"))})),
              HasCode(kInvalid));
  EXPECT_THAT(Text(InsertStatement(named)), HasCode(kInvalid));
  EXPECT_THAT(
      Text(UpdateStatement(table).Set(sql::Assign(table, bad, Literal("x")))),
      HasCode(kInvalid));
  EXPECT_THAT(Text(DeleteStatement(named)), HasCode(kInvalid));
  EXPECT_THAT(ExprError(sql::Collate(name_, bad)), HasCode(kInvalid));
}

// Decimals.

TEST_F(CompilerTest, DecimalsKeptAsTextAreComparedByTheirCollation) {
  const Decimal one = Decimal::Parse("1").value();
  const auto odd = [this](const Expression& e) {
    return ExprText(e, OddDialect::Get());
  };
  EXPECT_EQ(odd(sql::Binary(BinaryOp::kLess, pay_, Literal(one))),
            "(\"pay\" COLLATE numeric < $1)");
  EXPECT_EQ(odd(sql::Binary(BinaryOp::kEqual, Literal(one), pay_)),
            "($1 COLLATE numeric = \"pay\")");
  EXPECT_EQ(odd(sql::In(pay_, {Literal(one)})),
            "(\"pay\" COLLATE numeric IN ($1))");
  EXPECT_EQ(odd(sql::Between(pay_, Literal(one), Literal(one))),
            "(\"pay\" COLLATE numeric BETWEEN $1 AND $2)");
  EXPECT_EQ(odd(Max(Typed<Decimal>(pay_)).expression),
            "max(\"pay\" COLLATE numeric)");
  EXPECT_EQ(odd(CountDistinct(Typed<Decimal>(pay_)).expression),
            "count(DISTINCT \"pay\" COLLATE numeric)");
  EXPECT_EQ(odd(sql::Unary(UnaryOp::kIsNull, pay_)), "(\"pay\" IS NULL)");
  EXPECT_EQ(
      TextOf(SelectStatement().Column(pay_).GroupBy(pay_).OrderBy({pay_, true}),
             OddDialect::Get()),
      "SELECT \"pay\" FROM \"people\" GROUP BY \"pay\" COLLATE numeric ORDER "
      "BY \"pay\" COLLATE numeric DESC");
  SelectStatement distinct;
  distinct.Column(pay_).distinct = true;  // 1.0 and 1.00 are one
  EXPECT_EQ(TextOf(distinct, OddDialect::Get()),
            "SELECT DISTINCT \"pay\" COLLATE numeric FROM \"people\"");
  // CASE knows its type by the first branch that has one.
  EXPECT_EQ(odd(sql::Binary(BinaryOp::kLess,
                            sql::Case({{fit_, sql::Null()}, {fit_, pay_}}),
                            Literal(one))),
            "(CASE WHEN \"fit\" THEN NULL WHEN \"fit\" THEN \"pay\" END "
            "COLLATE numeric < $1)");
  // Where decimals are a type of their own, nothing is needed.
  EXPECT_EQ(ExprText(sql::Binary(BinaryOp::kLess, pay_, Literal(one))),
            "(\"pay\" < ?)");
}

TEST_F(CompilerTest, DecimalsKeptAsTextAreNotComputedWith) {
  const Decimal one = Decimal::Parse("1").value();
  const auto refused =
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("odd"));
  for (const Expression& e : {sql::Binary(BinaryOp::kAdd, pay_, Literal(one)),
                              sql::Binary(BinaryOp::kMultiply, age_, pay_),
                              sql::Unary(UnaryOp::kNegate, pay_),
                              Sum(Typed<Decimal>(pay_)).expression,
                              Avg(Typed<Decimal>(pay_)).expression,
                              Abs(Typed<Decimal>(pay_)).expression}) {
    EXPECT_THAT(ExprError(e, OddDialect::Get()), refused);
    SHARD_EXPECT_OK(ExprError(e));  // the plain one can
  }
}

// Keeping what was compiled.

TEST_F(CompilerTest, StatementIsCompiledOncePerDialect) {
  const Statement statement(SelectStatement().Column(id_));
  const Statement copy = statement;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto first,
                             PlainDialect::Get().Compile(statement));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto second,
                             PlainDialect::Get().Compile(copy));
  EXPECT_EQ(first, second);  // the same object
  SHARD_ASSERT_OK_AND_ASSIGN(const auto other,
                             OddDialect::Get().Compile(statement));
  EXPECT_NE(first, other);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again,
                             OddDialect::Get().Compile(statement));
  EXPECT_EQ(other, again);
  const Statement equal(SelectStatement().Column(id_));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto apart,
                             PlainDialect::Get().Compile(equal));
  EXPECT_NE(first, apart);
  EXPECT_EQ(first->text, apart->text);
}

TEST_F(CompilerTest, ErrorsAreNotKept) {
  const Statement statement(
      SelectStatement().Column(sql::Binary(BinaryOp::kAdd, pay_, Literal(1))));
  EXPECT_THAT(OddDialect::Get().Compile(statement),
              HasCode(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(OddDialect::Get().Compile(statement),
              HasCode(absl::StatusCode::kUnimplemented));
  SHARD_EXPECT_OK(PlainDialect::Get().Compile(statement));
}

// Binding.

TEST_F(CompilerTest, BindParametersLinesUpValues) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto compiled,
      PlainDialect::Get().Compile(
          Statement(SelectStatement().Column(id_).Where(sql::And(
              sql::Binary(BinaryOp::kEqual, age_, sql::Parameter("a")),
              sql::And(
                  sql::Binary(BinaryOp::kEqual, name_, Literal("lit")),
                  sql::Binary(BinaryOp::kLess, id_, sql::Parameter("a"))))))));
  const sql::Parameters values = {{"a", 5}};
  std::vector<sql::ValueView> bound = {sql::ValueView::Bool(true)};
  SHARD_ASSERT_OK(BindParameters(*compiled, values, &bound));
  EXPECT_THAT(bound,
              ElementsAre(sql::ValueView::Int32(5), sql::ValueView::Text("lit"),
                          sql::ValueView::Int32(5)));
}

TEST_F(CompilerTest, BindParametersRefusesMissingAndUnasked) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto compiled,
      PlainDialect::Get().Compile(sql::TextSql("select :a, :b")));
  std::vector<sql::ValueView> bound;
  EXPECT_THAT(BindParameters(*compiled, {{"a", "s3cr3t"}}, &bound),
              StatusIs(kInvalid, AllOf(HasSubstr("':b'"),
                                       ::testing::Not(HasSubstr("s3cr3t")))));
  EXPECT_THAT(
      BindParameters(*compiled, {{"a", 1}, {"b", 2}, {"B", "s3cr3t"}}, &bound),
      StatusIs(kInvalid,
               AllOf(HasSubstr("':B'"), ::testing::Not(HasSubstr("s3cr3t")))));
  SHARD_EXPECT_OK(
      BindParameters(*compiled, {{"a", Value()}, {"b", 2}}, &bound));
  EXPECT_THAT(bound, ElementsAre(sql::ValueView(), sql::ValueView::Int32(2)));
}

}  // namespace
}  // namespace shard
