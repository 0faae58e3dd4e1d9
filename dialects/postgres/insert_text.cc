#include "shard/dialects/postgres/insert_text.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/postgres/array_parameter.h"
#include "shard/dialects/postgres/postgres_dialect.h"

namespace shard::postgres {
namespace {

std::string Literal(std::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(ToAbsl(text), {{"'", "''"}}),
                      "'");
}

struct Names {
  std::string table;
  std::string key;  // empty: none
  std::vector<std::string> columns;
  std::vector<std::string> fetched;
};

absl::StatusOr<std::vector<std::string>> Quoted(
    absl::Span<const sql::Column* const> columns) {
  std::vector<std::string> names;
  for (const sql::Column* column : columns) {
    SHARD_ASSIGN_OR_RETURN(
        std::string quoted,
        PostgresDialect::Instance().QuoteIdentifier(column->name()));
    names.push_back(std::move(quoted));
  }
  return names;
}

absl::StatusOr<Names> QuoteNames(const InsertRequest& request) {
  const PostgresDialect& dialect = PostgresDialect::Instance();
  Names names;
  SHARD_ASSIGN_OR_RETURN(names.table, request.QuotedTable(dialect));
  if (request.generated_key != nullptr || !request.fetched.empty()) {
    SHARD_ASSIGN_OR_RETURN(names.key,
                           dialect.QuoteIdentifier(FetchedKey(request).name()));
  }
  SHARD_ASSIGN_OR_RETURN(names.columns, Quoted(request.columns));
  SHARD_ASSIGN_OR_RETURN(names.fetched, Quoted(request.fetched));
  return names;
}

// "$2::int8[] AS c1, ...", from placeholder `first` on.
std::string Arrays(const InsertRequest& request, std::size_t first) {
  std::string text;
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", "$", first + i, "::",
                    ToAbsl(ElementFor(request.columns[i]->type()).array_name),
                    " AS c", i + 1);
  }
  return text;
}

// "unnest(c1), CAST(unnest(c2) AS jsonb), ..."
std::string Unnested(const InsertRequest& request, const TableFacts& facts) {
  std::string text;
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    const sql::Column& column = *request.columns[i];
    std::string cell = absl::StrCat("unnest(c", i + 1, ")");
    if (ElementFor(column.type()).as_text) {
      const auto cast = facts.casts.find(column.name());
      if (cast != facts.casts.end()) {
        cell = absl::StrCat("CAST(", cell, " AS ", cast->second, ")");
      }
    }
    absl::StrAppend(&text, i == 0 ? "" : ", ", cell);
  }
  return text;
}

// ", "a" AS f0, ...": what the INSERT returns besides its key.
std::string ReturnedOf(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < names.fetched.size(); ++i) {
    absl::StrAppend(&text, ", ", names.fetched[i], " AS f", i);
  }
  return text;
}

// The rows that the INSERT `i` returned, in the order of the array of keys
// `keys` of `k`: RETURNING promises none.
std::string FetchedOf(const Names& names, const std::string& keys) {
  std::string text = "o.key";
  for (std::size_t i = 0; i < names.fetched.size(); ++i) {
    absl::StrAppend(&text, ", i.f", i);
  }
  return absl::StrCat(text, " FROM k CROSS JOIN LATERAL unnest(k.", keys,
                      ") WITH ORDINALITY AS o(key, n) JOIN i ON i.key = o.key "
                      "ORDER BY o.n");
}

}  // namespace

const sql::Column& FetchedKey(const InsertRequest& request) {
  return request.generated_key != nullptr ? *request.generated_key
                                          : *request.table->primary_key()[0];
}

absl::StatusOr<std::string> RowInsertText(const InsertRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const Names names, QuoteNames(request));
  std::string text = absl::StrCat("INSERT INTO ", names.table);
  if (names.columns.empty()) {
    absl::StrAppend(&text, " DEFAULT VALUES");
  } else {
    absl::StrAppend(&text, " (", absl::StrJoin(names.columns, ", "),
                    ") VALUES (");
    for (std::size_t i = 1; i <= names.columns.size(); ++i) {
      absl::StrAppend(&text, i == 1 ? "$" : ", $", i);
    }
    absl::StrAppend(&text, ")");
  }
  if (!names.key.empty()) absl::StrAppend(&text, " RETURNING ", names.key);
  for (const std::string& name : names.fetched) {
    absl::StrAppend(&text, ", ", name);
  }
  return text;
}

// The arrays come by way of a subquery: the planner, which cannot see their
// length there, then keeps one plan for pages of every size.
absl::StatusOr<std::string> PageInsertText(const InsertRequest& request,
                                           const TableFacts& facts) {
  SHARD_ASSIGN_OR_RETURN(const Names names, QuoteNames(request));
  const std::string insert = absl::StrCat(
      "INSERT INTO ", names.table, " (", absl::StrJoin(names.columns, ", "),
      ") SELECT ", Unnested(request, facts), " FROM ");
  const std::string arrays =
      absl::StrCat("(SELECT ", Arrays(request, 1), " OFFSET 0)");
  if (names.fetched.empty()) return absl::StrCat(insert, arrays, " AS k");
  const auto key = std::find(request.columns.begin(), request.columns.end(),
                             &FetchedKey(request));
  return absl::StrCat(
      "WITH k AS MATERIALIZED ", arrays, ", i AS (", insert, "k RETURNING ",
      names.key, "::int8 AS key", ReturnedOf(names), ") SELECT ",
      FetchedOf(names, absl::StrCat("c", key - request.columns.begin() + 1)));
}

// The sequence is found anew each time: behind the same name there may be
// another table by now (search_path, DROP and CREATE), and the wrong sequence
// would give keys that are taken.
absl::StatusOr<std::string> KeyedPageInsertText(const InsertRequest& request,
                                                const TableFacts& facts) {
  SHARD_ASSIGN_OR_RETURN(const Names names, QuoteNames(request));
  const char* const comma = names.columns.empty() ? "" : ", ";
  const std::string answer =
      names.fetched.empty()
          ? "k.keys, t.rows, t.checksum FROM k, (SELECT count(*) AS rows, "
            "sum(key & 4294967295)::int8 AS checksum FROM i) AS t"
          : FetchedOf(names, "keys");
  return absl::StrCat(
      "WITH k AS MATERIALIZED (SELECT ARRAY(SELECT nextval(s.name) FROM "
      "generate_series(1, $1::int4)) AS keys",
      comma, Arrays(request, 2), " FROM (SELECT pg_get_serial_sequence(",
      Literal(names.table), ", ", Literal(request.generated_key->name()),
      ")::regclass AS name OFFSET 0) AS s), i AS (INSERT INTO ", names.table,
      " (", names.key, comma, absl::StrJoin(names.columns, ", "),
      ") OVERRIDING SYSTEM VALUE SELECT unnest(keys)", comma,
      Unnested(request, facts), " FROM k RETURNING ", names.key,
      "::int8 AS key", ReturnedOf(names), ") SELECT ", answer);
}

absl::StatusOr<std::string> CopyText(const InsertRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const Names names, QuoteNames(request));
  const char* const comma =
      names.key.empty() || names.columns.empty() ? "" : ", ";
  return absl::StrCat("COPY ", names.table, " (", names.key, comma,
                      absl::StrJoin(names.columns, ", "),
                      ") FROM STDIN (FORMAT binary)");
}

// The lock is the one that COPY takes anyway. CREATE TRIGGER and the like wait
// for its end, and what they did before the query sees, unless it looks at the
// past, as it does in a transaction whose snapshot is older than the lock.
absl::StatusOr<std::string> CopyGuardText(const InsertRequest& request,
                                          const TableFacts& facts, bool fresh) {
  SHARD_ASSIGN_OR_RETURN(const Names names, QuoteNames(request));
  const std::string table = Literal(names.table);
  std::string holds =
      absl::StrCat(FingerprintOf(table), " = ", Literal(facts.fingerprint));
  if (!fresh) {
    absl::StrAppend(&holds,
                    " AND pg_catalog.current_setting('transaction_isolation') "
                    "LIKE 'read%'");
  }
  std::string text =
      absl::StrCat("LOCK TABLE ONLY ", names.table, " IN ROW EXCLUSIVE MODE;");
  if (request.generated_key == nullptr) {
    absl::StrAppend(&text, "SELECT CASE WHEN ", holds, " THEN '{}' END");
  } else {
    absl::StrAppend(
        &text,
        "SELECT CASE WHEN s.holds THEN ARRAY(SELECT pg_catalog.nextval(s.name) "
        "FROM pg_catalog.generate_series(1, ",
        request.rows, "))::text END FROM (SELECT ", holds,
        " AS holds, pg_catalog.pg_get_serial_sequence(", table, ", ",
        Literal(request.generated_key->name()),
        ")::regclass AS name OFFSET 0) AS s");
  }
  return text;
}

}  // namespace shard::postgres
