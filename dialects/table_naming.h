// What tables are called where several shards share a database.
#ifndef SHARD_DIALECTS_TABLE_NAMING_H_
#define SHARD_DIALECTS_TABLE_NAMING_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace shard {

// From the name that a table was declared with to the one that it has in the
// database. Plain value.
//
//   {.schema = "eu"}                "eu"."cities"      (PostgreSQL)
//   {.pattern = "eu_{table}"}       "eu_cities"
//   {.pattern = "{table}_2024"}     "cities_2024"
struct TableNaming {
  // The schema that they are in; empty: where names without one lead. A file of
  // SQLite's has none.
  std::string schema{};
  // What each is called there; "{table}", once, stands for its declared name.
  std::string pattern = "{table}";

  // Tables are called what they were declared as.
  bool is_plain() const { return schema.empty() && !renames(); }
  // They have other names, whatever schema they are in.
  bool renames() const { return pattern != "{table}"; }
  // The table's name in its schema.
  std::string NameOf(std::string_view table) const;

  friend bool operator==(const TableNaming&, const TableNaming&) = default;
  template <class H>
  friend H AbslHashValue(H h, const TableNaming& naming) {
    return H::combine(std::move(h), naming.schema, naming.pattern);
  }
};

// kInvalidArgument unless "{table}" stands in the pattern exactly once.
absl::Status CheckTableNaming(const TableNaming& naming);

}  // namespace shard

#endif  // SHARD_DIALECTS_TABLE_NAMING_H_
