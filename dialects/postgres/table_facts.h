// What an insert needs to know of a table.
#ifndef SHARD_DIALECTS_POSTGRES_TABLE_FACTS_H_
#define SHARD_DIALECTS_POSTGRES_TABLE_FACTS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/pg_types.h"

namespace shard::postgres {

// As the catalogue had it at some time. It may be another table by now.
struct TableFacts {
  // The key is numbered by a sequence of its own that we may use.
  bool has_sequence = false;
  // Columns of a type that text does not turn into by itself: what to cast to.
  absl::flat_hash_map<std::string, std::string> casts;

  // An ordinary table, into which COPY does what INSERT would do: without
  // rules, policies for rows, and triggers for whole statements. Never a view,
  // nor what has partitions.
  bool takes_copy = false;
  // A trigger could change rows, and keys, before they go in.
  bool changes_rows = false;
  // The types of its columns as COPY has them on the wire: a domain's is what
  // it is made of, an enum's is text. Without those that an INSERT must not
  // name while COPY would fill them.
  absl::flat_hash_map<std::string, TypeOid> types;
  // Columns of a domain and without a default: INSERT checks it even where they
  // are not named, COPY does not.
  std::vector<std::string> domains;
  // A key that is ALWAYS generated: missing from `types`, though COPY with
  // numbers of its own sequence fills it as INSERT does.
  TypeOid key_type = kUnknownOid;
  // Of all that matters to COPY; see Fingerprint.
  std::string fingerprint;
};

// `table` is quoted. A table that does not exist has no facts.
absl::StatusOr<TableFacts> LookUpTable(Link& link, const std::string& table,
                                       const std::string& key);

// A subquery, "(SELECT ...)": one text that is another once anything has
// changed that TableFacts say for COPY, also when the name leads to another
// table. `table`: an expression whose value is the quoted name.
std::string FingerprintOf(const std::string& table);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_TABLE_FACTS_H_
