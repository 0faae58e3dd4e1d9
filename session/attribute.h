// A mapped attribute of an object.
#ifndef SHARD_SESSION_ATTRIBUTE_H_
#define SHARD_SESSION_ATTRIBUTE_H_

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/expression.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/typed_expression.h"
#include "shard/sql/value.h"

namespace shard {

class EntityBase;

enum class AttributeState : std::uint8_t {
  kUnset,       // never given a value: left out of the INSERT
  kLoaded,      // as it is in the database
  kModified,    // a new value, written by the next flush
  kExpression,  // SQL, evaluated by the database in the next flush
  kExpired,     // to be loaded from the database when next read
};

// Thrown by Attribute::value() when there is no value to return.
class BadAttributeAccess : public std::runtime_error {
 public:
  explicit BadAttributeAccess(absl::Status status);
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

// The part of an attribute that does not depend on its type. Lives inside its
// object, at a fixed place; neither copied nor moved.
class AttributeBase {
 public:
  AttributeBase(const AttributeBase&) = delete;
  AttributeBase& operator=(const AttributeBase&) = delete;
  AttributeState state() const { return state_; }

 protected:
  AttributeBase() = default;
  ~AttributeBase() = default;
  // Remembers the change; the owning object becomes dirty in its session.
  void MarkModified() {
    if (state_ != AttributeState::kModified) BecomeModified();
  }
  void SetExpression(sql::Expression expression);
  // OK when value_ may be read; loads it when it is expired.
  absl::Status EnsureReadable() const;
  [[noreturn]] static void Throw(absl::Status status);

  // The object that it lives in.
  EntityBase& owner() const;

  // How far it is from the beginning of its object, in bytes: half of what a
  // pointer takes, and the same in all objects.
  std::uint32_t offset_ = 0;
  std::uint16_t index_ = 0;  // place in the mapping
  AttributeState state_ = AttributeState::kUnset;
  bool made_by_database_ = false;  // its value is none that was assigned

 private:
  friend class EntityBase;
  friend struct AttributeAccess;
  void BecomeModified();
};

// An attribute of type T; std::optional<T> where the column may be NULL.
//
//   a->balance = 5;                  a new value
//   a->balance = c.balance + 1;      SQL, evaluated by the database
//   a->note = shard::Null();         the word NULL, past any default
//   a->balance.value()               the value; loads it when expired
//
// Belongs to the thread of its object's session.
template <class T>
class Attribute : public AttributeBase {
 public:
  // Assigning the value that is already loaded changes nothing.
  template <class V>
  requires SqlLiteral<V, sql::Bare<T>> ||
      std::is_same_v<std::remove_cvref_t<V>, T> ||
      (sql::StripOptional<T>::kNullable&&
           std::is_same_v<std::remove_cvref_t<V>, std::nullopt_t>)Attribute&
      operator=(V&& value) {
    return Assign(T(std::forward<V>(value)));
  }
  template <SqlExpression X>
  requires std::is_same_v<ValueOf<X>, sql::Bare<T>> Attribute& operator=(
      const X& expression) {
    SetExpression(ToExpression(expression));
    return *this;
  }
  Attribute& operator=(NullExpression) {
    SetExpression(sql::Null());
    return *this;
  }

  // The value. An expired one is loaded first, with all expired attributes of
  // the object, a deferred one alone, from the row's own shard. Throws
  // BadAttributeAccess where Load() returns an error. The reference lives until
  // the next flush, expire or refresh.
  const T& value() const {
    if (state_ != AttributeState::kLoaded &&
        state_ != AttributeState::kModified) [[unlikely]] {
      if (absl::Status status = EnsureReadable(); !status.ok()) Throw(status);
    }
    return value_;
  }

  // The same without exceptions. kFailedPrecondition: never set, an expression
  // that was not flushed yet, or expired on a detached object; kNotFound: the
  // row is gone; or what the database said.
  absl::StatusOr<T> Load() const {
    absl::Status status = EnsureReadable();
    if (!status.ok()) return status;
    return value_;
  }

 private:
  friend struct AttributeAccess;
  Attribute& Assign(T value) {
    if (state_ == AttributeState::kLoaded && value_ == value) return *this;
    value_ = std::move(value);
    MarkModified();
    return *this;
  }
  T value_{};
};

// What the session does with attributes without knowing their types.
struct AttributeAccess {
  static void SetState(AttributeBase& attribute, AttributeState state) {
    attribute.state_ = state;
  }
  // What the database made ends with the row when a rollback undoes it.
  static bool MadeByDatabase(const AttributeBase& attribute) {
    return attribute.made_by_database_;
  }
  static void SetMadeByDatabase(AttributeBase& attribute) {
    attribute.made_by_database_ = true;
  }
  static void Attach(AttributeBase& attribute, const EntityBase& owner,
                     std::uint16_t index) {
    attribute.offset_ =
        static_cast<std::uint32_t>(reinterpret_cast<const char*>(&attribute) -
                                   reinterpret_cast<const char*>(&owner));
    attribute.index_ = index;
  }
  // As if it had been assigned; its value is there already.
  static void MarkModified(AttributeBase& attribute) {
    attribute.MarkModified();
  }
  static void SetExpression(AttributeBase& attribute,
                            sql::Expression expression) {
    attribute.SetExpression(std::move(expression));
  }
  template <class T>
  static sql::ValueView View(const AttributeBase& attribute,
                             sql::ByteArena& arena) {
    return sql::TypeAdapter<T>::View(
        static_cast<const Attribute<T>&>(attribute).value_, arena);
  }
  // Takes a value from the database or a default; the state becomes `state`.
  template <class T>
  static absl::Status Read(AttributeBase& attribute, const sql::ValueView& view,
                           AttributeState state) {
    absl::Status status = sql::TypeAdapter<T>::Read(
        view, &static_cast<Attribute<T>&>(attribute).value_);
    if (status.ok()) attribute.state_ = state;
    return status;
  }
};

// AttributeAccess for one T, as a table of functions.
struct AttributeOps {
  sql::ValueView (*view)(const AttributeBase&, sql::ByteArena&);
  absl::Status (*read)(AttributeBase&, const sql::ValueView&, AttributeState);
};
template <class T>
inline constexpr AttributeOps kAttributeOps{&AttributeAccess::View<T>,
                                            &AttributeAccess::Read<T>};

}  // namespace shard

#endif  // SHARD_SESSION_ATTRIBUTE_H_
