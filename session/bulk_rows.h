// The input of a bulk operation, whatever it is made of.
#ifndef SHARD_SESSION_BULK_ROWS_H_
#define SHARD_SESSION_BULK_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/column.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"

namespace shard {

enum class BulkKind : std::uint8_t { kInsert, kUpdate, kUpsert, kDelete };

// One row: field i's value in cells[i] where bit i of `given` is set. Kept for
// the next one to be read.
struct BulkRow {
  std::uint64_t given = 0;
  EntityBase* object = nullptr;  // that it was read from
  sql::ValueView cells[kMostFields];
  std::shared_ptr<EntityBase> scratch{};  // see FitCell
};

// Rows of one class. Each is looked at before it is read, and perhaps more than
// once: it must say the same each time. The input must live,
// unchanged, as long as this.
class BulkRows {
 public:
  explicit BulkRows(const Mapping* mapping) : mapping_(*mapping) {}
  virtual ~BulkRows() = default;
  BulkRows(const BulkRows&) = delete;
  BulkRows& operator=(const BulkRows&) = delete;

  const Mapping& mapping() const { return mapping_; }
  virtual std::size_t size() const = 0;
  // Fills in the row; its cells point into the input, or into `arena`. Errors
  // name the column: a name that the class has not, a value that does not fit,
  // an object in a state that bulk operations cannot write.
  virtual absl::Status Look(std::size_t index, BulkRow* row,
                            sql::ByteArena& arena) {
    return Read(index, row, arena);
  }
  // The same of a row that was looked at; from several threads at a time.
  virtual absl::Status Read(std::size_t index, BulkRow* row,
                            sql::ByteArena& arena) const = 0;
  // The fields that each row gives, where they are the same for all, and none
  // can fail. Such rows need not be looked at: Cell gives a field that is
  // given.
  virtual std::optional<std::uint64_t> common_fields() const { return {}; }
  virtual sql::ValueView Cell(std::size_t, std::size_t, sql::ByteArena&) const {
    return {};
  }
  // Fields that are NULL in no row, as far as is known beforehand.
  virtual std::uint64_t never_null() const { return 0; }
  // The primary key that the row has, as far as it is given, and perhaps more
  // fields. Also after the row was written, when objects may have changed.
  virtual absl::Status ReadKey(std::size_t index, BulkRow* row,
                               sql::ByteArena& arena) const {
    return Read(index, row, arena);
  }
  // The place in the caller's input.
  virtual std::size_t position(std::size_t index) const { return index; }
  // Whether every value has its field's type, NULL where it may be only.
  virtual bool is_typed() const { return true; }
  // The object of a row, or null.
  virtual EntityBase* object(std::size_t) const { return nullptr; }

 private:
  const Mapping& mapping_;
};

// Mappings of column names to values.
class MappingRows final : public BulkRows {
 public:
  MappingRows(const Mapping* mapping, absl::Span<const sql::Parameters> rows)
      : BulkRows(mapping), rows_(rows) {}
  std::size_t size() const override { return rows_.size(); }
  absl::Status Look(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) override;
  absl::Status Read(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) const override;
  bool is_typed() const override { return false; }

 private:
  // The columns that a row names, in its order.
  struct Layout {
    std::vector<const sql::Column*> columns;
    std::uint64_t given = 0;
  };
  absl::StatusOr<std::size_t> LayoutOf(const sql::Parameters& row);
  absl::StatusOr<Layout> MakeLayout(const sql::Parameters& row) const;
  absl::Status Take(std::size_t index, const Layout& layout, BulkRow* row,
                    sql::ByteArena& arena) const;

  absl::Span<const sql::Parameters> rows_;
  std::deque<Layout> layouts_;
  std::size_t latest_ = 0;  // most rows are like the one before
  absl::flat_hash_map<std::string, std::size_t> by_names_;
  std::vector<std::uint32_t> layout_of_;  // by row
};

// Objects of one class, for a kind of work. Expired attributes, those of other
// sessions too, count as not there.
class ObjectRows final : public BulkRows {
 public:
  ObjectRows(const Mapping* mapping, BulkKind kind, bool changed_only)
      : BulkRows(mapping), kind_(kind), changed_only_(changed_only) {}
  // `position`: where it stands in the input.
  void Add(EntityBase* object, std::size_t position) {
    objects_.push_back(object);
    positions_.push_back(position);
  }
  std::size_t size() const override { return objects_.size(); }
  absl::Status Read(std::size_t index, BulkRow* row,
                    sql::ByteArena& arena) const override;
  absl::Status ReadKey(std::size_t index, BulkRow* row,
                       sql::ByteArena& arena) const override;
  std::size_t position(std::size_t index) const override {
    return positions_[index];
  }
  EntityBase* object(std::size_t index) const override {
    return objects_[index];
  }

 private:
  absl::Status TakeKeyOfRow(const EntityBase& object,
                            AttributeBase* const* attributes,
                            BulkRow* row) const;
  absl::Status TakeVersion(EntityBase& object, AttributeBase* const* attributes,
                           BulkRow* row, sql::ByteArena& arena) const;

  const BulkKind kind_;
  const bool changed_only_;
  std::vector<EntityBase*> objects_;
  std::vector<std::size_t> positions_;
};

// The objects of an input, of which each may stand there once: what is written
// of one may depend on what was written before.
class DistinctObjects {
 public:
  // kInvalidArgument, naming the row: no object, or one that was there before.
  absl::Status Add(const EntityBase* object, std::size_t position);

 private:
  absl::flat_hash_map<const EntityBase*, std::size_t> positions_;
};

// Whether the object's row is in a database, as far as the object knows.
inline bool HasRow(const EntityBase& object) {
  return object.object_state() == ObjectState::kPersistent ||
         object.object_state() == ObjectState::kDetached;
}

// "Account.balance: <problem>".
absl::Status ColumnError(const Mapping& mapping, std::size_t field,
                         std::string_view problem);

}  // namespace shard

#endif  // SHARD_SESSION_BULK_ROWS_H_
