// A statement as text for one dialect.
#ifndef SHARD_DIALECTS_COMPILED_STATEMENT_H_
#define SHARD_DIALECTS_COMPILED_STATEMENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/row_update.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"

namespace shard {

// One placeholder of the text, in the order of the placeholders.
struct CompiledParameter {
  std::string name;                   // empty for a literal
  std::optional<sql::Value> literal;  // the literal, or a text's own value
  sql::ValueType type = sql::ValueType::kNull;  // kNull: not known
};

struct ResultColumn {
  std::string name;
  sql::ValueType type = sql::ValueType::kNull;  // kNull: as the database says
};

// Immutable once made; shared between threads.
struct CompiledStatement {
  std::string text;
  std::vector<CompiledParameter> parameters;
  std::vector<ResultColumn> columns;            // of raw text: empty
  bool returns_rows = false;                    // of raw text: not known, false
  bool is_write = false;                        // of raw text: not known, true
  std::shared_ptr<const RowUpdate> row_update;  // null: it is none
  // No two that a dialect has compiled have the same; 0: made in another way.
  std::uint64_t serial = 0;
};

// Whether a value that no parameter asks for is a mistake. It is not where a
// statement was split in parts that each need only some of the values.
enum class UnusedValues { kRefused, kAllowed };

// Lines up `values` (and the literals) with the placeholders of `compiled`; the
// views point into both, which must outlive them. kInvalidArgument for a
// parameter without a value, or a value that no parameter asks for.
absl::Status BindParameters(const CompiledStatement& compiled,
                            const sql::Parameters& values,
                            std::vector<sql::ValueView>* out,
                            UnusedValues unused = UnusedValues::kRefused);

}  // namespace shard

#endif  // SHARD_DIALECTS_COMPILED_STATEMENT_H_
