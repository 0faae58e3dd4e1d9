// The session's answers to a router that asks for an object's columns.
#ifndef SHARD_SESSION_OBJECT_KEY_READER_H_
#define SHARD_SESSION_OBJECT_KEY_READER_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/bind_request.h"
#include "shard/session/attribute.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Reads an object's attributes: those that are loaded or modified have a value.
class ObjectKeyReader : public KeyReader {
 public:
  // `attributes`: those of `object`, as Mapping::Attributes gives them.
  ObjectKeyReader(const EntityBase& object, AttributeBase* const* attributes)
      : mapping_(object.mapping()), attributes_(attributes) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override;

 private:
  const Mapping& mapping_;
  AttributeBase* const* attributes_;
  sql::ByteArena arena_;
};

// Knows the values of a primary key and nothing else.
class PrimaryKeyReader : public KeyReader {
 public:
  PrimaryKeyReader(const Mapping& mapping, absl::Span<const sql::ValueView> key)
      : mapping_(mapping), key_(key) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override;

 private:
  const Mapping& mapping_;
  absl::Span<const sql::ValueView> key_;
};

// Knows the literals of one row of an INSERT.
class InsertRowReader : public KeyReader {
 public:
  InsertRowReader(const sql::InsertStatement& insert, std::size_t row,
                  const sql::Parameters& parameters)
      : insert_(insert), row_(row), parameters_(parameters) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override;

 private:
  const sql::InsertStatement& insert_;
  std::size_t row_;
  const sql::Parameters& parameters_;
};

}  // namespace shard

#endif  // SHARD_SESSION_OBJECT_KEY_READER_H_
