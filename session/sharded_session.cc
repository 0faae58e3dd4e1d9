#include "shard/session/sharded_session.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/strings.h"
#include "shard/router/vertical_resolver.h"

namespace shard {
namespace {

bool IsInteger(sql::ValueType type) {
  return type == sql::ValueType::kInt64 || type == sql::ValueType::kInt32;
}

SessionOptions OptionsFor(std::shared_ptr<Engine> engine) {
  auto resolver = std::make_shared<VerticalResolver>();
  if (engine != nullptr) resolver->BindDefault(std::move(engine));
  SessionOptions options;
  options.resolver = std::move(resolver);
  return options;
}

}  // namespace

ShardedSession::ShardedSession(std::shared_ptr<Engine> engine)
    : ShardedSession(OptionsFor(std::move(engine))) {}

ShardedSession ShardedSession::Join(std::shared_ptr<Engine> engine,
                                    Connection& connection,
                                    JoinTransactionMode mode) {
  const Engine* const joined = engine.get();
  SessionOptions options = OptionsFor(std::move(engine));
  options.two_phase = false;
  options.joined.push_back({joined, &connection, mode});
  return ShardedSession(std::move(options));
}

namespace internal {

sql::Statement WithAllFields(const Mapping& mapping,
                             const sql::SelectStatement& select) {
  sql::SelectStatement all = select;
  all.columns = SelectAllFields(mapping).columns;
  return sql::Statement(std::move(all), &mapping.class_info());
}

absl::StatusOr<std::uint64_t> FieldsOf(
    const Mapping& mapping, std::initializer_list<const sql::Column*> columns) {
  std::uint64_t fields = 0;
  for (const sql::Column* column : columns) {
    if (&column->table() != &mapping.table()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", column->QualifiedName(), "' is no attribute of class ",
          mapping.class_info().name));
    }
    fields |= std::uint64_t{1} << column->index();
  }
  return fields;
}

absl::StatusOr<KeyValue> MakeKey(const Mapping& mapping,
                                 absl::Span<const sql::Value> values) {
  SHARD_RETURN_IF_ERROR(mapping.status());
  const auto& fields = mapping.key_fields();
  if (values.size() != fields.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the primary key of ", mapping.class_info().name, " has ",
        fields.size(), " columns, and ", values.size(), " values were given"));
  }
  absl::InlinedVector<sql::ValueView, 2> views;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const sql::Column& column = *mapping.field(fields[i]).column;
    const sql::ValueType found = values[i].type();
    if (found != column.type() &&
        !(IsInteger(found) && IsInteger(column.type()))) {
      return absl::InvalidArgumentError(absl::StrCat(
          mapping.class_info().name, ".", column.name(), " is of type ",
          ToAbsl(sql::ValueTypeName(column.type())),
          ", and its key was given as ", ToAbsl(sql::ValueTypeName(found))));
    }
    views.push_back(values[i].view());
  }
  return KeyValue::FromViews(views);
}

}  // namespace internal
}  // namespace shard
