#include "shard/session/load.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/commit_result.h"
#include "shard/session/flush_fields.h"
#include "shard/session/key_assigner.h"
#include "shard/session/load_home.h"
#include "shard/session/loader.h"
#include "shard/session/mapping.h"
#include "shard/sql/column.h"

namespace shard {
namespace {

constexpr std::size_t kLongestName = 200;

absl::Status CheckOptions(const LoadOptions& options) {
  if (options.batch_rows == 0) {
    return absl::InvalidArgumentError("LoadOptions::batch_rows is 0");
  }
  if (options.name.size() > kLongestName) {
    return absl::InvalidArgumentError(
        absl::StrCat("LoadOptions::name has ", options.name.size(), " bytes; ",
                     kLongestName, " is the most"));
  }
  return absl::OkStatus();
}

// Without these columns every single row would be a bad one.
absl::Status CheckGiven(const SessionOptions& session,
                        const LoadSource& source) {
  const Mapping& mapping = source.mapping();
  std::uint64_t known = source.given() | mapping.client_defaults();
  SHARD_ASSIGN_OR_RETURN(const KeyFields made,
                         KeyFieldsOf(session.keys, mapping));
  for (const KeyField& key : made) known |= FieldBit(key.field);
  for (const sql::Column* column :
       session.resolver->ShardKey(mapping.class_info())) {
    if (&column->table() != &mapping.table() ||
        HasField(known, column->index())) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        mapping.class_info().name, ".", column->name(),
        " is not set by the source, and says on which shard a row belongs"));
  }
  const sql::Column* const numbered = mapping.table().generated_key();
  for (const std::uint16_t field : mapping.key_fields()) {
    if (HasField(known | mapping.server_defaults(), field) ||
        mapping.field(field).column == numbered) {
      continue;
    }
    return ColumnError(mapping, field,
                       "is part of the primary key; the source does not give "
                       "it, and the database does not make one");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadReport> Load(const SessionOptions& session,
                                LoadSource& source,
                                const LoadOptions& options) {
  SHARD_RETURN_IF_ERROR(CheckOptions(options));
  SHARD_RETURN_IF_ERROR(source.mapping().status());
  SHARD_RETURN_IF_ERROR(CheckCommitsTogether(session, source.mapping()));
  SHARD_RETURN_IF_ERROR(CheckGiven(session, source));
  Loader loader(session, &source, &options);
  SHARD_RETURN_IF_ERROR(loader.Run());
  return loader.TakeReport();
}

absl::StatusOr<std::vector<LoadState>> ListLoads(
    const SessionOptions& session) {
  SHARD_ASSIGN_OR_RETURN(const auto homes, LoadHomes(session, nullptr));
  std::vector<LoadState> all;
  for (const std::shared_ptr<Engine>& home : homes) {
    SHARD_ASSIGN_OR_RETURN(const bool has_table, HasLoads(*home));
    if (!has_table) continue;
    SessionCore core(LoaderSession(session));
    SHARD_ASSIGN_OR_RETURN(const std::vector<LoadState> states,
                           ReadLoads(core, home));
    all.insert(all.end(), states.begin(), states.end());
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

absl::Status ForgetLoad(const SessionOptions& session, std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const auto homes, LoadHomes(session, nullptr));
  bool forgotten = false;
  for (const std::shared_ptr<Engine>& home : homes) {
    SHARD_ASSIGN_OR_RETURN(const bool has_table, HasLoads(*home));
    if (!has_table) continue;
    SessionCore core(LoaderSession(session));
    SHARD_ASSIGN_OR_RETURN(const bool deleted, DeleteLoad(core, home, name));
    SHARD_RETURN_IF_ERROR(core.Commit().status());
    forgotten = forgotten || deleted;
  }
  if (forgotten) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("no load is remembered as '", ToAbsl(name), "'"));
}

}  // namespace shard
