#include "shard/router/shared_databases.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

// What tables are called there, as the database compares it: the pattern, and
// the names that come of it.
absl::StatusOr<std::vector<std::string>> NamesAt(
    const Bind& bind, const std::vector<const sql::Table*>& tables) {
  const Dialect& dialect = bind.dialect();
  const TableNaming& naming = dialect.naming();
  std::vector<std::string> names = {
      absl::StrCat("\"", naming.schema, "\".\"", naming.pattern, "\"")};
  for (const sql::Table* table : tables) {
    SHARD_ASSIGN_OR_RETURN(names.emplace_back(),
                           dialect.QuoteTable(table->name()));
  }
  if (dialect.names_ignore_case()) {
    for (std::string& name : names) absl::AsciiStrToLower(&name);
  }
  return names;
}

}  // namespace

absl::Status CheckTablesApart(absl::Span<const Bind> shards,
                              const std::vector<const sql::Table*>& tables) {
  absl::flat_hash_map<const Engine*, int> shards_on;
  for (const Bind& bind : shards) ++shards_on[bind.engine];
  absl::flat_hash_map<std::pair<const Engine*, std::string>, ShardId> known;
  for (const Bind& bind : shards) {
    if (bind.names == nullptr && shards_on[bind.engine] < 2) continue;
    auto names = NamesAt(bind, tables);
    if (!names.ok()) {
      return Annotate(names.status(),
                      absl::StrCat("shard '", bind.shard.name(), "'"));
    }
    for (std::string& name : *names) {
      const auto [other, is_new] =
          known.try_emplace({bind.engine, std::move(name)}, bind.shard);
      if (is_new) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "shards '", other->second.name(), "' and '", bind.shard.name(),
          "' share an engine, '", bind.engine->name(),
          "', and there the table ", other->first.second,
          "; give each its own database, or a naming that tells their tables "
          "apart"));
    }
  }
  return absl::OkStatus();
}

}  // namespace shard
