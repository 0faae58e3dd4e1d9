// The base of a mapped class.
#ifndef SHARD_SESSION_ENTITY_H_
#define SHARD_SESSION_ENTITY_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "shard/session/attribute.h"
#include "shard/session/class_options.h"
#include "shard/session/entity_base.h"
#include "shard/session/field.h"
#include "shard/session/field_list.h"
#include "shard/session/fixed_string.h"
#include "shard/session/mapping.h"
#include "shard/sql/class_info.h"
#include "shard/sql/table.h"

namespace shard {

// Maps class E to the table named `TableName`, with the fields of `Fields`:
//
//   struct Account : Entity<Account, AccountFields, "accounts"> {};
//
//   auto account = std::make_shared<Account>();
//   account->owner = "ada";              // an attribute
//   Account::c.owner == "ada"            // the column, in SQL expressions
//   Account::table()                     // the table, for CreateAll
//
// Behind the table's name may stand options of class_options.h.
// No field may be called `c`, `Row` or `EntityClass`, and E must have a
// constructor without arguments. Objects are neither copied nor moved; hold
// them by std::shared_ptr.
template <class E, template <class> class Fields, FixedString TableName,
          class... Options>
struct Entity : EntityBase, Fields<AsAttributes> {
  using EntityClass = E;
  using Columns = Fields<AsColumns<E>>;
  static constexpr Columns c{};
  // The same fields as a plain struct, for reading rows without objects:
  // ShardedSession::Rows. `Row row{}` leaves no number uninitialised.
  using Row = Fields<AsValues>;

  Entity() {
    InstanceAccess::State(*this).mapping = &ClassMapping();
    std::uint16_t index = 0;
    internal::VisitFields<kFieldCount>(
        static_cast<Fields<AsAttributes>&>(*this), [&](auto&... fields) {
          (AttributeAccess::Attach(fields, *this, index++), ...);
        });
  }

  static const Mapping& ClassMapping() {
    static const Mapping mapping(Define());
    return mapping;
  }
  static const sql::Table& table() { return ClassMapping().table(); }
  static const sql::ClassInfo& class_info() {
    return ClassMapping().class_info();
  }

 private:
  static constexpr std::size_t kFieldCount = internal::CountFields<Columns>();

  static Mapping::Definition Define() {
    Mapping::Definition definition;
    definition.class_name = sql::internal::ClassName<E>();
    definition.table_name = TableName.view();
    (ApplyClassOption<E, Options>(definition.options), ...);
    internal::VisitFields<kFieldCount>(c, [&](const auto&... columns) {
      static constexpr FieldInfo fields[] = {
          std::remove_cvref_t<decltype(columns)>::kInfo...};
      definition.fields = fields;
    });
    definition.make = [] {
      return std::static_pointer_cast<EntityBase>(std::make_shared<E>());
    };
    definition.attributes = [](EntityBase& object, AttributeBase** out) {
      internal::VisitFields<kFieldCount>(
          static_cast<Fields<AsAttributes>&>(static_cast<Entity&>(object)),
          [&](auto&... fields) { ((*out++ = &fields), ...); });
    };
    return definition;
  }
};

// A class that is mapped: derived from its own Entity.
template <class E>
concept MappedClass = std::derived_from<E, EntityBase> && requires {
  { E::ClassMapping() } -> std::same_as<const Mapping&>;
};

}  // namespace shard

#endif  // SHARD_SESSION_ENTITY_H_
