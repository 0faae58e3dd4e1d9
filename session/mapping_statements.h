// The statements that a session runs for a mapped class by itself.
#ifndef SHARD_SESSION_MAPPING_STATEMENTS_H_
#define SHARD_SESSION_MAPPING_STATEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "shard/dialects/dialect.h"
#include "shard/session/mapping.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"

namespace shard {

// The fields that are read with an object of a class, in order, from its table.
sql::SelectStatement SelectFields(const Mapping& mapping);
// Every field, deferred ones too.
sql::SelectStatement SelectAllFields(const Mapping& mapping);

// Where the fields are in the rows of a SELECT of whole objects, which may name
// more columns of the class. kInvalidArgument for what is no column of it.
absl::StatusOr<RowLayout> LayoutOf(const Mapping& mapping,
                                   const sql::SelectStatement& select);

// Compiles each statement once for a session; which fields an UPDATE sets is a
// set of bits, field i in bit i. Parameters stand in the order given here. Not
// thread-safe; the results are shared and immutable.
class MappingStatements {
 public:
  using Compiled = std::shared_ptr<const CompiledStatement>;

  // SELECT what is read with an object WHERE key. Parameters: the key.
  absl::StatusOr<const CompiledStatement*> SelectByKey(const Mapping& mapping,
                                                       const Dialect& dialect);
  // SELECT these fields WHERE key, in the mapping's order. Not none.
  absl::StatusOr<const CompiledStatement*> SelectFieldsByKey(
      const Mapping& mapping, const Dialect& dialect, std::uint64_t fields);
  // UPDATE ... SET fields WHERE row, RETURNING others. Parameters: the fields,
  // then those of the condition.
  absl::StatusOr<const CompiledStatement*> UpdateRow(const Mapping& mapping,
                                                     const Dialect& dialect,
                                                     std::uint64_t fields,
                                                     std::uint64_t returned);
  // DELETE WHERE row. Parameters: those of the condition.
  absl::StatusOr<const CompiledStatement*> DeleteRow(const Mapping& mapping,
                                                     const Dialect& dialect);
  // INSERT of the fields, RETURNING others, the key first. Parameters: the
  // fields.
  absl::StatusOr<const CompiledStatement*> InsertReturning(
      const Mapping& mapping, const Dialect& dialect, std::uint64_t fields,
      std::uint64_t returned);

 private:
  enum class Kind : std::uint8_t {
    kSelect,
    kSelectFields,
    kUpdate,
    kDelete,
    kInsert
  };
  struct Id {
    const Mapping* mapping;
    const Dialect* dialect;
    Kind kind;
    std::uint64_t fields;
    std::uint64_t returned;
    friend bool operator==(const Id&, const Id&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Id& id) {
      return H::combine(std::move(h), id.mapping, id.dialect, id.kind,
                        id.fields, id.returned);
    }
  };
  template <class Build>
  absl::StatusOr<const CompiledStatement*> Find(const Id& id, Build&& build);

  absl::flat_hash_map<Id, Compiled> compiled_;
  Id latest_id_{};  // asked for last, and often again
  const CompiledStatement* latest_ = nullptr;
};

// "key = :key AND ...": a condition with a parameter for each key column.
sql::Expression ByKey(const Mapping& mapping);

// The same, "AND version = :version" where the class has versions.
sql::Expression RowCondition(const Mapping& mapping);

// Adds fields to what an INSERT or UPDATE returns, in the order of the mapping.
template <class Statement>
void AddReturning(const Mapping& mapping, std::uint64_t fields,
                  Statement& statement) {
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if ((fields >> i & 1) != 0) {
      statement.Returning(mapping.field(i).column->expression());
    }
  }
}

}  // namespace shard

#endif  // SHARD_SESSION_MAPPING_STATEMENTS_H_
