// SQL over one table, worked out for an object that is loaded.
#ifndef SHARD_SESSION_OBJECT_CONDITION_H_
#define SHARD_SESSION_OBJECT_CONDITION_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "shard/session/attribute.h"
#include "shard/session/mapping.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/expression.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"

namespace shard {

// What a condition comes to: SQL's three values, or that the object does not
// know, since an attribute is not loaded, or has a value of a type that the
// database would have to convert first.
enum class Truth : std::uint8_t { kFalse, kTrue, kNull, kUnknown };

// Whether ObjectCondition can work it out as every database does; an empty
// condition is one. kUnimplemented, saying what it cannot.
absl::Status CheckCondition(const sql::Expression& condition,
                            const sql::Table& table);
// The same for a value.
absl::Status CheckValue(const sql::Expression& value, const sql::Table& table);

// For one object at a time. Only what these checks let pass may be asked for.
class ObjectCondition {
 public:
  // Both must outlive it. `attributes`: as Mapping::Attributes gives them.
  ObjectCondition(const Mapping* mapping, const sql::Parameters* parameters)
      : mapping_(*mapping), parameters_(*parameters) {}

  Truth Holds(const sql::Expression& condition,
              AttributeBase* const* attributes);
  // nullopt: unknown. Valid until the next call for another object.
  std::optional<sql::ValueView> ValueOf(const sql::Expression& value,
                                        AttributeBase* const* attributes);

 private:
  Truth Compare(sql::BinaryOp op, const sql::Expression& left,
                const sql::Expression& right);
  Truth Holds(const sql::Expression& condition);
  Truth HoldsIn(const sql::InNode& in);
  std::optional<sql::ValueView> ValueOf(const sql::Expression& value);

  const Mapping& mapping_;
  const sql::Parameters& parameters_;
  AttributeBase* const* attributes_ = nullptr;
  sql::ByteArena arena_;
};

}  // namespace shard

#endif  // SHARD_SESSION_OBJECT_CONDITION_H_
