#include "shard/session/stale_version.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/mapping.h"
#include "shard/session/mapping_statements.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/select.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

// Empty for what shall not be in a message.
std::string TextOf(const sql::ValueView& version) {
  switch (version.type()) {
    case sql::ValueType::kInt32:
    case sql::ValueType::kInt64:
      return absl::StrCat(version.integer());
    case sql::ValueType::kTimestamp:
      return Timestamp{version.integer()}.ToText().value_or("");
    default:
      return "";
  }
}

absl::Status ReadVersion(const EntityBase& object, Share& share,
                         RowBatch* rows) {
  const Mapping& mapping = object.mapping();
  sql::SelectStatement select;
  select.From(mapping.table());
  select.Column(mapping.field(mapping.version_field()).column->expression());
  select.Where(ByKey(mapping));
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         share.dialect().Compile(std::move(select)));
  const auto key = InstanceAccess::State(object).key.Views();
  return share.Execute({compiled.get(), key, 1}, rows).status();
}

// "it has version 5 now", "it is gone".
std::string NowOf(const EntityBase& object, const sql::ValueView& expected,
                  Share& share) {
  RowBatch rows;
  if (!ReadVersion(object, share, &rows).ok()) return "it could not be read";
  if (rows.rows() == 0) return "the row is gone";
  const sql::ValueView found = rows.row(0)[0];
  if (found == expected) {
    return "it has that version still, so a trigger or rule kept the change "
           "out";
  }
  const std::string number = TextOf(found);
  return number.empty() ? "it has another one now"
                        : absl::StrCat("it has version ", number, " now");
}

}  // namespace

absl::Status StaleVersion(EntityBase& object, const std::string& what,
                          Share& share) {
  const Mapping& mapping = object.mapping();
  const std::size_t field = mapping.version_field();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  sql::ByteArena arena;
  const sql::ValueView expected =
      mapping.field(field).ops->view(*attributes[field], arena);
  const std::string number = TextOf(expected);
  return absl::AbortedError(absl::StrCat(
      what, " expected ",
      number.empty() ? "the version it was loaded with"
                     : absl::StrCat("version ", number),
      "; ", NowOf(object, expected, share),
      "; another transaction was first: roll back, load it again and retry"));
}

absl::Status KnowVersion(EntityBase& object, AttributeBase* const* attributes) {
  const Mapping& mapping = object.mapping();
  switch (attributes[mapping.version_field()]->state()) {
    case AttributeState::kLoaded:
      return absl::OkStatus();
    case AttributeState::kExpired:
      break;
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          mapping.class_info().name, ".",
          mapping.field(mapping.version_field()).column->name(),
          " is the version of a stored row, which the flush keeps, and was "
          "assigned; Refresh or Expire the object, and leave it alone"));
  }
  const InstanceState& state = InstanceAccess::State(object);
  const absl::Status loaded = state.host->LoadExpired(
      object, static_cast<std::uint16_t>(mapping.version_field()));
  if (!absl::IsNotFound(loaded)) return loaded;
  return absl::AbortedError(absl::StrCat(
      mapping.class_info().name, " ", state.key.DebugString(),
      ": the row is gone: another transaction was first; roll back and retry "
      "without it"));
}

absl::Status CheckSameVersion(AttributeBase* const* given, EntityBase& object,
                              AttributeBase* const* attributes) {
  const Mapping& mapping = object.mapping();
  if (mapping.version() == VersionKind::kNone) return absl::OkStatus();
  const std::size_t field = mapping.version_field();
  if (!HasValue(*given[field])) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(KnowVersion(object, attributes));
  sql::ByteArena arena;
  const AttributeOps& ops = *mapping.field(field).ops;
  const sql::ValueView theirs = ops.view(*given[field], arena);
  const sql::ValueView ours = ops.view(*attributes[field], arena);
  if (theirs == ours) return absl::OkStatus();
  const std::string theirs_text = TextOf(theirs), ours_text = TextOf(ours);
  return absl::AbortedError(absl::StrCat(
      "Merge of ", mapping.class_info().name, " ",
      InstanceAccess::State(object).key.DebugString(),
      ": the object given is of ",
      theirs_text.empty() ? "another version"
                          : absl::StrCat("version ", theirs_text),
      ", and the session's of ",
      ours_text.empty() ? "its own" : absl::StrCat("version ", ours_text),
      "; load the row again and make the change there"));
}

}  // namespace shard
