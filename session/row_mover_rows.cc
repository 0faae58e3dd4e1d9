// RowMover's reading of rows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/mapping_statements.h"
#include "shard/session/row_cells.h"
#include "shard/session/row_mover.h"
#include "shard/session/stale_version.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/dml.h"

namespace shard {
namespace {

// Rows that follow rows that follow rows: more levels must be a circle.
constexpr std::size_t kMostLevels = 64;

class CellReader : public KeyReader {
 public:
  CellReader(const sql::Table& table, const std::vector<sql::Value>& cells)
      : table_(table), cells_(cells) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override {
    if (&column.table() == &table_) return cells_[column.index()].view();
    return absl::NotFoundError(
        absl::StrCat("no value is known for '", column.QualifiedName(), "'"));
  }

 private:
  const sql::Table& table_;
  const std::vector<sql::Value>& cells_;
};

}  // namespace

// Those to go first come first: by depth, then together by table and share.
std::vector<RowMover::Indices> RowMover::GroupsOf(
    const Indices& rows, Share* MovedRow::*share) const {
  std::vector<Indices> groups;
  for (const std::size_t index : rows) {
    const MovedRow& row = rows_[index];
    auto group = std::find_if(groups.begin(), groups.end(), [&](auto& known) {
      const MovedRow& first = rows_[known.front()];
      return first.table == row.table && first.*share == row.*share &&
             first.depth == row.depth;
    });
    if (group == groups.end()) group = groups.insert(groups.end(), Indices());
    group->push_back(index);
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [this](const Indices& a, const Indices& b) {
                     return rows_[a.front()].depth < rows_[b.front()].depth;
                   });
  return groups;
}

std::vector<RowMover::Indices> RowMover::Groups(Share* MovedRow::*share) const {
  Indices all(rows_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return GroupsOf(all, share);
}

absl::Status RowMover::Open() {
  std::vector<Share*> shares;
  for (const MovedRow& row : rows_) {
    for (Share* share : {row.from, row.to}) {
      if (std::find(shares.begin(), shares.end(), share) == shares.end()) {
        shares.push_back(share);
      }
    }
  }
  SHARD_RETURN_IF_ERROR(parts_.transaction->Open(shares));
  return parts_.transaction->CheckMayWrite(shares);
}

absl::Status RowMover::Read() {
  for (const Indices& group : Groups(&MovedRow::from)) {
    SHARD_RETURN_IF_ERROR(ReadAskedOf(group));
  }
  SHARD_RETURN_IF_ERROR(ReadFollowers());
  CollectObjects();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    SHARD_RETURN_IF_ERROR(CheckFollower(i));
    SHARD_RETURN_IF_ERROR(CheckPlace(rows_[i]));
  }
  return absl::OkStatus();
}

absl::Status RowMover::ReadAskedOf(const Indices& group) {
  const MovedRow& first = rows_[group.front()];
  const Mapping& mapping = first.object->mapping();
  SHARD_ASSIGN_OR_RETURN(
      const auto compiled,
      first.from->dialect().Compile(
          SelectForUpdate(*first.table).Where(RowCondition(mapping))));
  sql::ByteArena arena;
  std::vector<sql::ValueView> values;
  for (const std::size_t index : group) {
    rows_[index].key.AppendTo(values);
    if (mapping.version() == VersionKind::kNone) continue;
    AttributeBase* attributes[kMostFields];
    mapping.Attributes(*rows_[index].object, attributes);
    const std::size_t field = mapping.version_field();
    values.push_back(mapping.field(field).ops->view(*attributes[field], arena));
  }
  RowBatch batch;
  SHARD_RETURN_IF_ERROR(
      first.from->Execute({compiled.get(), values, group.size()}, &batch)
          .status());
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    std::vector<sql::ValueView> key;
    for (const std::uint16_t field : mapping.key_fields()) {
      key.push_back(batch.row(i)[field]);
    }
    const auto found =
        known_.find({first.table, first.from, KeyValue::FromViews(key)});
    if (found == known_.end()) continue;
    MovedRow& row = rows_[found->second];
    row.before = row.after = OwnedCells(batch.row(i));
    TakeChanges(*row.object, row.after);
  }
  for (const std::size_t index : group) {
    MovedRow& row = rows_[index];
    if (!row.before.empty()) continue;
    const std::string what =
        absl::StrCat("move of ", NameOfRowsIn(*row.table), " ",
                     row.key.DebugString(), " to shard '", row.to->name(), "'");
    if (mapping.version() != VersionKind::kNone) {
      return StaleVersion(*row.object, what, *row.from);
    }
    return absl::AbortedError(absl::StrCat(
        what, ": the row is gone from '", row.from->name(),
        "': another transaction was first: roll back and retry without it"));
  }
  return absl::OkStatus();
}

absl::Status RowMover::ReadFollowers() {
  Indices wave(rows_.size());
  for (std::size_t i = 0; i < wave.size(); ++i) wave[i] = i;
  for (std::size_t level = 0; !wave.empty(); ++level) {
    if (level == kMostLevels) {
      return absl::FailedPreconditionError(absl::StrCat(
          "rows of ", NameOfRowsIn(*rows_[wave.front()].table),
          " that follow a row which moves follow one another in a circle"));
    }
    Indices next;
    for (const Indices& group : GroupsOf(wave, &MovedRow::from)) {
      for (const CoLocatedRows& followers :
           parts_.resolver->CoLocatedWith(*rows_[group.front()].table)) {
        SHARD_RETURN_IF_ERROR(ReadFollowersOf(group, followers, next));
      }
    }
    wave = std::move(next);
  }
  return absl::OkStatus();
}

absl::Status RowMover::ReadFollowersOf(const Indices& group,
                                       const CoLocatedRows& followers,
                                       Indices& next) {
  sql::SelectStatement select = SelectForUpdate(*followers.table);
  for (const auto& [theirs, leaders] : followers.columns) {
    select.Where(EqualsParameter(*theirs));
  }
  Share& share = *rows_[group.front()].from;
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         share.dialect().Compile(std::move(select)));
  absl::flat_hash_map<KeyValue, std::size_t> leaders;
  std::vector<sql::Value> values;  // rows_ grows meanwhile
  std::vector<sql::ValueView> link;
  for (const std::size_t index : group) {
    link.clear();
    for (const auto& [theirs, column] : followers.columns) {
      link.push_back(rows_[index].before[column->index()].view());
    }
    if (std::any_of(link.begin(), link.end(),
                    [](const auto& cell) { return cell.is_null(); }) ||
        !leaders.try_emplace(KeyValue::FromViews(link), index).second) {
      continue;
    }
    for (const sql::ValueView& cell : link) values.emplace_back(cell);
  }
  std::vector<sql::ValueView> views;
  for (const sql::Value& value : values) views.push_back(value.view());
  RowBatch batch;
  if (!leaders.empty()) {
    SHARD_RETURN_IF_ERROR(
        share.Execute({compiled.get(), views, leaders.size()}, &batch)
            .status());
  }
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    link.clear();
    for (const auto& [theirs, column] : followers.columns) {
      link.push_back(batch.row(i)[theirs->index()]);
    }
    const auto leader = leaders.find(KeyValue::FromViews(link));
    if (leader == leaders.end()) continue;
    SHARD_RETURN_IF_ERROR(
        AddFollower(followers, leader->second, batch.row(i), next));
  }
  return absl::OkStatus();
}

absl::Status RowMover::AddFollower(const CoLocatedRows& followers,
                                   std::size_t leader,
                                   absl::Span<const sql::ValueView> cells,
                                   Indices& next) {
  const sql::Table& table = *followers.table;
  std::vector<sql::ValueView> key;
  for (const sql::Column* column : table.primary_key()) {
    key.push_back(cells[column->index()]);
  }
  if (key.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "rows of ", NameOfRowsIn(table),
        " follow a row that moves, and have no primary key to move them by"));
  }
  const auto [known, is_new] = known_.try_emplace(
      RowKey{&table, rows_[leader].from, KeyValue::FromViews(key)},
      rows_.size());
  if (is_new) {
    MovedRow row;
    row.table = &table;
    row.from = rows_[leader].from;
    row.to = rows_[leader].to;
    row.key = known->first.key;
    row.before = row.after = OwnedCells(cells);
    rows_.push_back(std::move(row));
  }
  MovedRow& row = rows_[known->second];
  const MovedRow& led_by = rows_[leader];
  if (row.to != led_by.to) {
    return absl::FailedPreconditionError(
        absl::StrCat(NameOfRowsIn(table), " ", row.key.DebugString(),
                     " is to move to shard '", row.to->name(),
                     "', and what it follows to '", led_by.to->name(), "'"));
  }
  for (const auto& [theirs, column] : followers.columns) {
    row.after[theirs->index()] = led_by.after[column->index()];
    row.repeats.push_back(theirs);
    if (led_by.object == nullptr) continue;
    for (const auto& [field, sql] :
         InstanceAccess::State(*led_by.object).expressions.entries()) {
      if (field != column->index()) continue;
      return absl::UnimplementedError(absl::StrCat(
          "'", column->QualifiedName(), "' was assigned SQL, and rows of ",
          NameOfRowsIn(table), " that move along repeat it; assign a value"));
    }
  }
  if (row.depth <= led_by.depth) {
    row.depth = led_by.depth + 1;
    next.push_back(known->second);
  }
  return absl::OkStatus();
}

// Nothing but what it repeats was changed in a follower; so it should belong
// where its leader goes.
absl::Status RowMover::CheckPlace(const MovedRow& row) {
  if (row.repeats.empty() || row.table->mapped_class() == nullptr) {
    return absl::OkStatus();
  }
  CellReader reader(*row.table, row.after);
  BindRequest request;
  request.class_info = row.table->mapped_class();
  request.object = &reader;
  request.operation = Operation::kFlush;
  SHARD_ASSIGN_OR_RETURN(const Bind place, parts_.resolver->Resolve(request));
  if (place == row.to->bind()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      NameOfRowsIn(*row.table), " ", row.key.DebugString(),
      " follows a row that moves to shard '", row.to->name(),
      "', and would belong on '", place.shard.name(),
      "'; what it repeats of that row must decide its shard alone"));
}

}  // namespace shard
