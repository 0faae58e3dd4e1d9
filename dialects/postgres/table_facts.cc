#include "shard/dialects/postgres/table_facts.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard::postgres {
namespace {

// Row triggers that run before an INSERT, unless they are switched off.
constexpr char kRowTriggers[] =
    "SELECT count(*) FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid "
    "AND (t.tgtype & 7) = 7 AND t.tgenabled <> 'D'";

// Those that tell of each statement would hear of COPYs without rows, too.
constexpr char kStatementTriggers[] =
    "SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND "
    "(t.tgtype & 5) = 4 AND t.tgenabled <> 'D'";

// Strings (varchar, citext, domains over them) take text as it is, and a cast
// would cut it to length where an insert complains.
constexpr char kLookUp[] = R"sql(
SELECT a.attname,
       CASE WHEN t.typcategory = 'S' THEN ''
            ELSE pg_catalog.format_type(a.atttypid, NULL) END,
       CASE WHEN a.attname = $2::text THEN
         (SELECT CASE WHEN s.name IS NOT NULL
                      THEN pg_catalog.has_sequence_privilege(s.name, 'USAGE')
                 END
          FROM (SELECT pg_catalog.pg_get_serial_sequence($1::text, $2::text)
                AS name OFFSET 0) AS s) END,
       CASE t.typtype WHEN 'e' THEN 25 WHEN 'd' THEN t.typbasetype
            ELSE t.oid END,
       a.attgenerated <> '' OR a.attidentity = 'a',
       t.typtype = 'd' AND NOT a.atthasdef
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = pg_catalog.to_regclass($1::text)
  AND a.attnum > 0 AND NOT a.attisdropped)sql";

std::string TakesCopy() {
  return absl::StrCat(
      "c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relrowsecurity AND "
      "pg_catalog.has_table_privilege(c.oid, 'INSERT') AND NOT EXISTS (",
      kStatementTriggers, ")");
}

}  // namespace

std::string FingerprintOf(const std::string& table) {
  return absl::StrCat(
      "(SELECT pg_catalog.concat_ws(' ', c.oid, ", TakesCopy(), ", (",
      kRowTriggers,
      "), (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', "
      "pg_catalog.quote_ident(a.attname), a.atttypid, a.attidentity, "
      "a.attgenerated), ' ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS "
      "a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) "
      "FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass(",
      table, "))");
}

absl::StatusOr<TableFacts> LookUpTable(Link& link, const std::string& table,
                                       const std::string& key) {
  TableFacts facts;
  // Before its columns: what changes in between, the guard then sees.
  SHARD_ASSIGN_OR_RETURN(
      const TextRows rows,
      link.LookUp(absl::StrCat("SELECT ", FingerprintOf("$1::text"), ", ",
                               TakesCopy(), ", (", kRowTriggers,
                               ") > 0 FROM pg_catalog.pg_class AS c WHERE "
                               "c.oid = pg_catalog.to_regclass($1::text)"),
                  {table}));
  if (rows.empty()) return facts;
  facts.fingerprint = rows[0][0];
  facts.takes_copy = rows[0][1] == "t";
  facts.changes_rows = rows[0][2] == "t";
  SHARD_ASSIGN_OR_RETURN(const TextRows columns,
                         link.LookUp(kLookUp, {table, key}));
  for (const std::vector<std::string>& row : columns) {
    if (!row[1].empty()) facts.casts.emplace(row[0], row[1]);
    if (row[2] == "t") facts.has_sequence = true;
    TypeOid type = kUnknownOid;
    if (!absl::SimpleAtoi(row[3], &type)) continue;
    if (row[4] != "t") facts.types.emplace(row[0], type);
    if (row[0] == key) facts.key_type = type;
    if (row[5] == "t") facts.domains.push_back(row[0]);
  }
  return facts;
}

}  // namespace shard::postgres
