// How a class is mapped to a table, at run time.
#ifndef SHARD_SESSION_MAPPING_H_
#define SHARD_SESSION_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/session/attribute.h"
#include "shard/session/class_options.h"
#include "shard/session/entity_base.h"
#include "shard/session/field_traits.h"
#include "shard/session/row_layout.h"
#include "shard/sql/class_info.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"
#include "shard/sql/value_type.h"

namespace shard {

// A field has one attribute in every object; attribute i belongs to column i of
// the table.
struct MappedField {
  const sql::Column* column;
  const AttributeOps* ops;
  bool deferred;  // not read with the object, but when it is first used
};

// A field as its declaration has it. A constant: a function for each field of
// each class would keep the compiler busy.
struct FieldInfo {
  std::string_view name;
  sql::ValueType type;
  bool nullable;
  const AttributeOps* ops;
  void (*apply_options)(sql::ColumnSpec& spec);
  FieldTraits traits;
};

// The most fields a mapped class can have: a set of them fits in 64 bits.
inline constexpr std::size_t kMostFields = 64;

// One for each mapped class, made on first use, alive until the program ends.
// Or one of a table that no class stands for, alive as long as its owner has
// it, and longer than every session that works with it. Immutable, thread-safe.
class Mapping {
 public:
  // What Entity knows of its class at compile time.
  struct Definition {
    std::string_view class_name;
    std::string_view table_name;
    ClassOptions options;
    absl::Span<const FieldInfo> fields;
    std::shared_ptr<EntityBase> (*make)();
    void (*attributes)(EntityBase&, AttributeBase**);
  };
  explicit Mapping(const Definition& definition);
  // Of rows of a table without a class, for bulk operations: no object of it
  // can be made. A NULL is written as NULL, whatever the column's default is;
  // without a primary key rows can be inserted only.
  Mapping(std::string_view table_name, std::vector<sql::ColumnSpec> columns);
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool has_class() const { return make_ != nullptr; }
  // Without a class it has the table's name.
  const sql::ClassInfo& class_info() const { return class_info_; }
  const sql::Table& table() const { return table_; }
  const std::vector<MappedField>& fields() const { return fields_; }
  const MappedField& field(std::size_t index) const { return fields_[index]; }
  // Fields of the primary key, in the table's order.
  const std::vector<std::uint16_t>& key_fields() const { return key_fields_; }

  const ClassOptions& options() const { return options_; }
  // Sets of fields, field i in bit i: of the primary key, with a server
  // default, with a client default, and with an OnUpdate (a version aside).
  std::uint64_t key_set() const { return key_set_; }
  std::uint64_t server_defaults() const { return server_defaults_; }
  std::uint64_t client_defaults() const { return client_defaults_; }
  std::uint64_t onupdates() const { return onupdates_; }
  // Those with a default that an INSERT uses for nullopt, too.
  std::uint64_t null_means_default() const { return null_means_default_; }

  // Fields of a CustomType; and those of them where nullopt is a value.
  std::uint64_t custom_fields() const { return custom_fields_; }
  std::uint64_t stores_none() const { return stores_none_; }

  // The field that holds the row's version, when version() is not kNone.
  VersionKind version() const { return traits_of_version_.version; }
  std::size_t version_field() const { return version_field_; }
  std::uint64_t version_set() const {
    return version() == VersionKind::kNone ? 0
                                           : std::uint64_t{1} << version_field_;
  }
  sql::Value NextVersion(const sql::ValueView& old) const {
    return traits_of_version_.next_version(old);
  }
  // Whether it is a number that grows by one.
  bool counts_versions() const { return traits_of_version_.counts; }
  // Field i in bit i.
  std::uint64_t deferred_fields() const { return layout_.missing; }
  // Of rows with the fields that are read with an object, in order.
  const RowLayout& layout() const { return layout_; }
  // Of rows with these fields.
  RowLayout LayoutOf(std::vector<std::uint16_t> fields) const;

  // Whether the primary key is one integer.
  bool has_integer_key() const { return has_integer_key_; }

  // A new transient object. This and Attributes: only where there is a class.
  std::shared_ptr<EntityBase> Make() const { return make_(); }
  // Fills in pointers to all the object's attributes: out has kMostFields.
  void Attributes(EntityBase& object, AttributeBase** out) const {
    attributes_(object, out);
  }

  // kInvalidArgument that names the class when it cannot be used: it has no
  // primary key or a deferred one, two columns of one name, or a version that
  // cannot be one. Without a class: two columns of one name, or more columns
  // than kMostFields.
  const absl::Status& status() const { return status_; }

 private:
  void TakeColumn(const sql::Column& column, const AttributeOps* ops,
                  const FieldTraits& traits);
  void Finish();
  void TakeTraits(const sql::Column& column, const FieldTraits& traits);
  absl::Status BadVersion(const sql::Column& column, const char* problem) const;

  sql::Table table_;
  sql::ClassInfo class_info_;
  std::vector<MappedField> fields_;
  std::vector<std::uint16_t> key_fields_;
  ClassOptions options_;
  std::uint64_t key_set_ = 0;
  std::uint64_t server_defaults_ = 0;
  std::uint64_t client_defaults_ = 0;
  std::uint64_t onupdates_ = 0;
  std::uint64_t null_means_default_ = 0;
  std::uint64_t custom_fields_ = 0;
  std::uint64_t stores_none_ = 0;
  FieldTraits traits_of_version_;
  std::size_t version_field_ = 0;
  RowLayout layout_;
  bool has_integer_key_ = false;
  std::shared_ptr<EntityBase> (*make_)() = nullptr;
  void (*attributes_)(EntityBase&, AttributeBase**) = nullptr;
  absl::Status status_;
};

}  // namespace shard

#endif  // SHARD_SESSION_MAPPING_H_
