// Random statements over random rows: what the shards that the router names
// answer together is what one database with all the rows answers; and they are
// hardly more than must be asked.
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/in_split.h"
#include "shard/router/key_domain.h"
#include "shard/router/list_strategy.h"
#include "shard/router/pruning.h"
#include "shard/router/shard_rule.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/plain_dialect.h"

namespace shard {
namespace {

using sql::Alias;
using sql::BinaryOp;
using sql::Expression;
using sql::Literal;
using sql::SelectStatement;
using sql::Table;
using sql::TableRef;
using sql::UnaryOp;
using sql::Value;
using sql::ValueType;
using sql::ValueView;

constexpr int kCases = 8000;
constexpr int kKeyCases = 2000;
constexpr int kShards = 4;
constexpr int kRows = 30;

// A fixed seed, so that a failure comes again; another one by SHARD_TEST_SEED.
unsigned Seed() {
  const char* given = std::getenv("SHARD_TEST_SEED");
  return given != nullptr ? static_cast<unsigned>(std::atoi(given)) : 20240229;
}

// A database in memory.
class Database {
 public:
  Database() { sqlite3_open(":memory:", &handle_); }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The rows as text, in no order; or one "error: ...".
  std::vector<std::string> Run(std::string_view text,
                               const std::vector<ValueView>& parameters = {}) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, text.data(), static_cast<int>(text.size()),
                           &statement, nullptr) != SQLITE_OK) {
      return {absl::StrCat("error: ", sqlite3_errmsg(handle_))};
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      Bind(statement, static_cast<int>(i) + 1, parameters[i]);
    }
    std::vector<std::string> rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const unsigned char* cell = sqlite3_column_text(statement, i);
        absl::StrAppend(
            &row, cell == nullptr ? "-" : reinterpret_cast<const char*>(cell),
            "|");
      }
      rows.push_back(row);
    }
    sqlite3_finalize(statement);
    return rows;
  }

 private:
  static void Bind(sqlite3_stmt* statement, int index, const ValueView& value) {
    if (value.is_null()) {
      sqlite3_bind_null(statement, index);
    } else if (value.type() == ValueType::kDouble) {
      sqlite3_bind_double(statement, index, value.real());
    } else if (value.holds_bytes()) {
      sqlite3_bind_text(statement, index, value.bytes().data(),
                        static_cast<int>(value.bytes().size()),
                        SQLITE_TRANSIENT);
    } else {
      sqlite3_bind_int64(statement, index, value.integer());
    }
  }

  sqlite3* handle_ = nullptr;
};

// All keys that rows or conditions have here.
constexpr int kLowest = -1, kHighest = 9;
constexpr char kLetters[] = "wxyz";

// Places keys as it is told, and knows by trying them all which shards domains
// allow.
class ExactStrategy : public ShardingStrategy {
 public:
  using Place = int (*)(absl::Span<const ValueView> key);
  ExactStrategy(std::vector<ValueType> types, Place place)
      : types_(std::move(types)), place_(place) {
    for (int i = 0; i < kShards; ++i) {
      shards_.push_back(ShardId::Of(absl::StrCat("s", i)));
    }
  }
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const ValueView> key) const override {
    return shards_[static_cast<std::size_t>(place_(key) & (kShards - 1))];
  }
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override {
    ShardSet found;
    std::vector<ValueView> tried;
    Try(key, &tried, &found);
    return InOrder(found);
  }

 private:
  void Try(absl::Span<const KeyDomain> key, std::vector<ValueView>* tried,
           ShardSet* found) const {
    const std::size_t part = tried->size();
    if (part == key.size()) return AddOnce(*found, *ShardFor(*tried));
    const auto with = [&](const ValueView& value) {
      const auto& values = key[part].values;
      if ((values.has_value() &&
           std::find(values->begin(), values->end(), value) == values->end()) ||
          !MayBe(key[part], value)) {
        return;
      }
      tried->push_back(value);
      Try(key, tried, found);
      tried->pop_back();
    };
    if (types_[part] == ValueType::kText) {
      for (std::size_t i = 0; i < 4; ++i) {
        with(ValueView::Text(std::string_view(kLetters + i, 1)));
      }
      return;
    }
    for (int i = kLowest; i <= kHighest; ++i) with(ValueView::Int64(i));
  }

  std::vector<ValueType> types_;
  Place place_;
  std::vector<ShardId> shards_;
};

std::vector<sql::ColumnSpec> Columns() {
  return {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
          {.name = "k", .type = ValueType::kInt64, .nullable = false},
          {.name = "t", .type = ValueType::kText, .nullable = false},
          {.name = "v", .type = ValueType::kInt32}};
}

class PruningPropertyTest : public ::testing::Test {
 protected:
  int Pick(int n) {
    return static_cast<int>(random_() % static_cast<unsigned>(n));
  }
  bool Maybe(int percent) { return Pick(100) < percent; }

  // New rules and new rows, everywhere.
  void Deal() {
    std::vector<std::string> names;
    for (int i = 0; i < kShards; ++i) names.push_back(absl::StrCat("s", i));
    const auto hash = HashStrategy::Create(names).value();
    const auto other = HashStrategy::Create({"s3", "s1", "s0", "s2"}).value();
    const auto list =
        ListStrategy::Create({{0, "s0"}, {1, "s1"}, {2, "s1"}, {3, "s2"}}, "s3")
            .value();
    const auto columns = [](const Table& table, int kind) {
      std::vector<const sql::Column*> key = {table.FindColumn("k")};
      if (kind == 1) key = {table.FindColumn("k"), table.FindColumn("t")};
      if (kind == 2) key = {table.FindColumn("t")};
      return key;
    };
    // Mostly alike, so that joins can meet on one shard.
    const int kind = Pick(4);
    const auto strategy = kind == 3
                              ? std::shared_ptr<const ShardingStrategy>(list)
                          : Maybe(50) ? hash
                                      : Exact(kind);
    rule_a_ = {columns(a_, kind), strategy};
    rule_b_ = {columns(b_, kind), strategy};
    if (Maybe(10)) rule_b_.strategy = kind == 3 ? hash : other;
    if (Maybe(10) && kind < 3 && strategy == hash) {
      rule_b_.key = columns(b_, Pick(3));
    }

    all_ = std::make_unique<Database>();
    shards_.clear();
    for (int i = 0; i < kShards; ++i) {
      shards_.push_back(std::make_unique<Database>());
    }
    DealRows(a_, rule_a_);
    DealRows(b_, rule_b_);
  }

  // Range, by both parts, by text.
  static std::shared_ptr<const ShardingStrategy> Exact(int kind) {
    switch (kind) {
      case 1:
        return std::make_shared<ExactStrategy>(
            std::vector<ValueType>{ValueType::kInt64, ValueType::kText},
            [](absl::Span<const ValueView> key) {
              return static_cast<int>(key[0].integer() / 4 * 2) +
                     (key[1].bytes() < "y" ? 0 : 1);
            });
      case 2:
        return std::make_shared<ExactStrategy>(
            std::vector<ValueType>{ValueType::kText},
            [](absl::Span<const ValueView> key) {
              return static_cast<int>(key[0].bytes()[0]);
            });
      default:
        return std::make_shared<ExactStrategy>(
            std::vector<ValueType>{ValueType::kInt64},
            [](absl::Span<const ValueView> key) {
              return static_cast<int>(key[0].integer() / 2);
            });
    }
  }

  void DealRows(const Table& table, const ShardRule& rule) {
    const std::string create =
        absl::StrCat("CREATE TABLE ", table.name(),
                     " (id INTEGER PRIMARY KEY, k INTEGER, t TEXT, v INTEGER)");
    all_->Run(create);
    for (const auto& shard : shards_) shard->Run(create);
    const std::string into =
        absl::StrCat("INSERT INTO ", table.name(), " VALUES ");
    std::string everything = into;
    std::vector<std::string> shares(kShards, into);
    for (int id = 0; id < kRows; ++id) {
      const int k = Pick(8);
      const std::string t(1, "xyz"[Pick(3)]);
      const std::vector<ValueView> cells = {
          ValueView::Int64(id), ValueView::Int64(k), ValueView::Text(t)};
      std::vector<ValueView> key;
      for (const sql::Column* column : rule.key) {
        key.push_back(cells[column->index()]);
      }
      const std::string row =
          absl::StrCat("(", id, ", ", k, ", '", t, "', ",
                       Maybe(20) ? "NULL" : absl::StrCat(Pick(5)), ")");
      std::string& share =
          shares[NumberOf(rule.strategy->ShardFor(key).value())];
      absl::StrAppend(&share, share == into ? "" : ", ", row);
      absl::StrAppend(&everything, id == 0 ? "" : ", ", row);
    }
    all_->Run(everything);
    for (std::size_t i = 0; i < kShards; ++i) {
      if (shares[i] != into) shards_[i]->Run(shares[i]);
    }
  }

  static std::size_t NumberOf(ShardId shard) {
    return static_cast<std::size_t>(shard.name()[1] - '0');
  }
  Database& Shard(ShardId shard) { return *shards_[NumberOf(shard)]; }

  // The tables of a statement that is being made, by name or alias.
  using Scope = std::vector<TableRef>;

  Expression Column(const Scope& scope, const char* name) {
    const TableRef& table =
        scope[static_cast<std::size_t>(Pick(static_cast<int>(scope.size())))];
    return table.alias.empty() ? table.table->c(name)
                               : Alias(*table.table, table.alias).c(name);
  }
  Expression AnyColumn(const Scope& scope) {
    const char* names[] = {"k", "k", "k", "t", "t", "v", "id"};
    return Column(scope, names[Pick(7)]);
  }

  // A value that may or may not be one that `column` holds or is of its type.
  Expression ValueFor(const Expression& column) {
    const auto* collate = column.As<sql::CollateNode>();
    if (collate != nullptr) return ValueFor(collate->operand);
    Value value;
    if (column->type == ValueType::kText) {
      value = Value(std::string(1, "xyzw"[Pick(4)]));
    } else {
      value = Value(std::int64_t{Pick(9)});
    }
    switch (only_keys_ ? 3 + Pick(30) * 30 : Pick(20)) {
      case 0:
        value = Value();
        break;
      case 1:
        value = Value(std::to_string(Pick(8)));  // SQLite: '7' = 7
        break;
      case 2:
        value = Value(static_cast<double>(Pick(8)));
        break;
      case 3:
        if (!only_keys_) return sql::Null();
        value = Value();  // sometimes
        break;
      default:
        break;
    }
    if (!Maybe(30)) return Literal(value);
    const std::string name = absl::StrCat("p", parameters_.values().size());
    parameters_.Add(name, value);
    return sql::Parameter(name, column->type);
  }

  Expression Predicate(const Scope& scope, int depth) {
    if (depth > 0 && Maybe(70)) {
      switch (Pick(8)) {
        case 0:
          return sql::Unary(UnaryOp::kNot, Predicate(scope, depth - 1));
        case 1:
        case 2:
          return sql::Or(Predicate(scope, depth - 1),
                         Predicate(scope, depth - 1));
        case 3:  // bool against bool
          if (only_keys_) return Constant();
          return sql::Binary(BinaryOp::kEqual, Predicate(scope, depth - 1),
                             Predicate(scope, depth - 1));
        default:
          return sql::And(Predicate(scope, depth - 1),
                          Predicate(scope, depth - 1));
      }
    }
    const Expression column = Comparable(scope);
    switch (Pick(16)) {
      case 0:
        return sql::Unary(Maybe(50) ? UnaryOp::kIsNull : UnaryOp::kIsNotNull,
                          column);
      case 1:
      case 2:
        return sql::Between(column, ValueFor(column), ValueFor(column),
                            Maybe(30));
      case 3:
      case 4:
      case 5: {
        const auto op = static_cast<BinaryOp>(
            static_cast<int>(BinaryOp::kNotEqual) + Pick(5));
        return Maybe(70) ? sql::Binary(op, column, ValueFor(column))
                         : sql::Binary(op, ValueFor(column), column);
      }
      case 6:
        if (only_keys_) return Constant();
        return sql::Binary(BinaryOp::kEqual, column, AnyColumn(scope));
      case 7:
        if (only_keys_) return Constant();
        return sql::Binary(BinaryOp::kEqual,
                           sql::Binary(BinaryOp::kAdd, column, Literal(0)),
                           ValueFor(column));
      case 8:
      case 9:
      case 10: {
        std::vector<Expression> list;
        for (int i = Pick(4); i > 0; --i) list.push_back(ValueFor(column));
        return sql::In(column, std::move(list), Maybe(30));
      }
      case 11:
        return sql::Binary(BinaryOp::kEqual, ValueFor(column), column);
      default:
        return sql::Binary(BinaryOp::kEqual, column, ValueFor(column));
    }
  }

  // A column, by bytes if it is text that may be ordered.
  Expression Comparable(const Scope& scope) {
    const Expression column =
        only_keys_ ? Column(scope, key_columns_[static_cast<std::size_t>(Pick(
                                       static_cast<int>(key_columns_.size())))])
                   : AnyColumn(scope);
    const bool by_bytes =
        column->type == ValueType::kText && (only_keys_ || Maybe(30));
    return by_bytes ? sql::Collate(column, "C") : column;
  }

  Expression Constant() {
    if (!Maybe(50)) return Literal(Maybe(50) ? Value() : Value(Maybe(50)));
    const std::string name = absl::StrCat("p", parameters_.values().size());
    parameters_.Add(name, Value(Maybe(50)));
    return sql::Parameter(name, ValueType::kBool);
  }

  // Often what makes a join one within shards.
  Expression JoinCondition(const Scope& scope, const TableRef& joined) {
    Expression on;
    for (const char* name : {"k", "t"}) {
      if (Maybe(25)) continue;
      const Expression mine = Column({joined}, name);
      const Expression theirs = Column(scope, name);
      on = And(on, Maybe(50) ? sql::Binary(BinaryOp::kEqual, mine, theirs)
                             : sql::Binary(BinaryOp::kEqual, theirs, mine));
    }
    Scope both = scope;
    both.push_back(joined);
    if (on.empty() || Maybe(30)) on = And(on, Predicate(both, 1));
    return on;
  }

  SelectStatement RandomSelect() {
    SelectStatement select;
    Scope scope = {Maybe(80) ? TableRef(a_) : TableRef(Alias(a_, "first"))};
    select.From(scope.front());
    for (int joins = Maybe(50) ? 0 : 1 + Pick(2); joins > 0; --joins) {
      TableRef joined(Maybe(75) ? b_ : a_);
      joined.alias = absl::StrCat("j", joins);
      const auto kind =
          Maybe(50) ? sql::JoinKind::kLeft : sql::JoinKind::kInner;
      select.Join(joined, JoinCondition(scope, joined), kind);
      scope.push_back(joined);
    }
    for (const TableRef& table : scope) {
      select.Column(Column({table}, "id"));
    }
    if (Maybe(80)) select.Where(Predicate(scope, 3));
    for (const char* name : {"k", "t"}) {
      if (!Maybe(40)) continue;
      const Expression column = Column(scope, name);
      select.Where(sql::In(column, {ValueFor(column), ValueFor(column)}));
    }
    if (Maybe(10)) {
      SelectStatement inner;
      const Scope inner_scope = {TableRef(Alias(b_, "inner"))};
      inner.Column(Column(inner_scope, "v"))
          .From(inner_scope.front())
          .Where(Predicate(inner_scope, 1));
      select.Where(sql::InQuery(Column(scope, "v"), inner, Maybe(30)));
    }
    return select;
  }

  const Table a_{"a", Columns()};
  const Table b_{"b", Columns()};
  ShardRule rule_a_, rule_b_;
  std::unique_ptr<Database> all_;
  std::vector<std::unique_ptr<Database>> shards_;
  sql::Parameters parameters_;
  // Conditions on these columns alone, with values of their types.
  bool only_keys_ = false;
  std::vector<const char*> key_columns_;
  std::mt19937 random_{Seed()};
};

TEST_F(PruningPropertyTest, ShardsTogetherAnswerAsOneDatabase) {
  int answered = 0, refused = 0, pruned = 0, joined = 0, with_rows = 0,
      split = 0;
  const RuleFinder find = [this](const Table& table) {
    return &table == &a_ ? &rule_a_ : &rule_b_;
  };
  for (int n = 0; n < kCases; ++n) {
    if (n % 40 == 0) Deal();
    parameters_ = {};
    const sql::Statement statement(RandomSelect());
    SHARD_ASSERT_OK_AND_ASSIGN(const auto compiled,
                               testing::PlainDialect::Get().Compile(statement));
    std::vector<ValueView> bound;
    SHARD_ASSERT_OK(BindParameters(*compiled, parameters_, &bound));
    const std::string where =
        absl::StrCat("seed ", Seed(), ", case ", n, ": ", compiled->text);

    const auto shards = ShardsForStatement(find, statement, &parameters_);
    if (!shards.ok()) {
      ASSERT_EQ(shards.status().code(), absl::StatusCode::kUnimplemented)
          << where;
      ++refused;
      continue;
    }
    ASSERT_FALSE(shards->empty()) << where;
    std::vector<std::string> expected = all_->Run(compiled->text, bound);
    std::vector<std::string> found;
    for (const ShardId shard : *shards) {
      // Each with its own values of IN lists.
      const auto own = SplitLists(statement, find, &parameters_, shard);
      split += own.has_value() ? 1 : 0;
      const sql::Statement& asked = own.has_value() ? *own : statement;
      SHARD_ASSERT_OK_AND_ASSIGN(const auto text,
                                 testing::PlainDialect::Get().Compile(asked));
      std::vector<ValueView> values;
      SHARD_ASSERT_OK(
          BindParameters(*text, parameters_, &values, UnusedValues::kAllowed));
      for (std::string& row : Shard(shard).Run(text->text, values)) {
        found.push_back(std::move(row));
      }
    }
    ASSERT_FALSE(!expected.empty() && expected[0].starts_with("error"))
        << where << "\n"
        << expected[0];
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, expected) << where;
    ++answered;
    if (shards->size() < kShards) ++pruned;
    if (statement.As<SelectStatement>()->Tables().size() > 1) ++joined;
    if (!expected.empty()) ++with_rows;
  }
  // The cases were worth running.
  EXPECT_GT(answered, kCases / 2);
  EXPECT_GT(refused, kCases / 20);
  EXPECT_GT(pruned, kCases / 10);
  EXPECT_GT(joined, kCases / 20);
  EXPECT_GT(with_rows, kCases / 5);
  EXPECT_GT(split, kCases / 50);
}

// Of conditions on the key alone, a database with every key there is says which
// shards must be visited. More than those are hardly ever.
TEST_F(PruningPropertyTest, HardlyAnyShardIsVisitedInVain) {
  Database keys;
  std::string insert = "INSERT INTO a VALUES ";
  std::vector<std::pair<int, std::string>> rows;
  for (int k = kLowest; k <= kHighest; ++k) {
    for (std::size_t i = 0; i < 4; ++i) {
      rows.emplace_back(k, std::string(1, kLetters[i]));
      absl::StrAppend(&insert, rows.size() == 1 ? "" : ", ", "(", rows.size(),
                      ", ", k, ", '", rows.back().second, "', NULL)");
    }
  }
  keys.Run(
      "CREATE TABLE a (id INTEGER PRIMARY KEY, k INTEGER, t TEXT, v "
      "INTEGER)");
  keys.Run(insert);
  only_keys_ = true;
  std::size_t visited = 0, needed = 0, narrowed = 0;
  for (int n = 0; n < kKeyCases; ++n) {
    parameters_ = {};
    const int kind = Pick(3);
    ShardRule rule = {{a_.FindColumn("k")}, Exact(kind)};
    if (kind == 1) rule.key.push_back(a_.FindColumn("t"));
    if (kind == 2) rule.key = {a_.FindColumn("t")};
    key_columns_.clear();
    for (const sql::Column* column : rule.key) {
      key_columns_.push_back(column->name().c_str());
    }
    const Scope scope = {TableRef(a_)};
    SelectStatement select;
    select.Column(a_.c("id")).From(a_).Where(Predicate(scope, 3));
    const sql::Statement statement(select);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto compiled,
                               testing::PlainDialect::Get().Compile(statement));
    std::vector<ValueView> bound;
    SHARD_ASSERT_OK(BindParameters(*compiled, parameters_, &bound));
    ShardSet must;
    for (const std::string& row : keys.Run(compiled->text, bound)) {
      const auto& [k, t] =
          rows[static_cast<std::size_t>(std::atoi(row.c_str())) - 1];
      std::vector<ValueView> key;
      for (const sql::Column* column : rule.key) {
        key.push_back(column->name() == "k" ? ValueView::Int64(k)
                                            : ValueView::Text(t));
      }
      AddOnce(must, rule.strategy->ShardFor(key).value());
    }
    const ShardSet shards =
        ShardsForCondition(rule, scope.front(), select.where, &parameters_);
    for (const ShardId shard : must) {
      ASSERT_TRUE(Contains(shards, shard))
          << "seed " << Seed() << ", case " << n << ": " << compiled->text;
    }
    visited += shards.size();
    needed += must.size();
    narrowed += shards.size() < kShards ? 1 : 0;
  }
  EXPECT_GT(narrowed, kKeyCases / 3u);
  EXPECT_LT(static_cast<double>(visited), 1.02 * static_cast<double>(needed));
  RecordProperty("visited", std::to_string(visited));
  RecordProperty("needed", std::to_string(needed));
}

}  // namespace
}  // namespace shard
