// What a condition says of a shard key.
#ifndef SHARD_ROUTER_KEY_PREDICATE_H_
#define SHARD_ROUTER_KEY_PREDICATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "shard/router/column_classes.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_set.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/column.h"
#include "shard/sql/expression.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"

namespace shard {

// What stands for one part of a shard key in a condition: its column, and
// others that have the same value.
struct KeyPart {
  struct Ref {
    ColumnRef column;
    bool may_be_missing = false;  // of a left join: NULL where it found no row
  };
  std::vector<Ref> refs;
};

// Conditions that all hold, read once for many parameters. Understood are =,
// !=, IN, NOT IN, <, <=, >, >=, BETWEEN, AND, OR, NOT and IS NULL of a part of
// the key with literals and parameters. All else says nothing, so that what is
// answered is too much rather than too little:
//   values of other types than the column's, which a database may find equal
//   ranges of text, which a language's collation orders otherwise, unless
//     Collate(column, "C") is what is compared
// Thread-safe once it is complete. Points into the expressions, which must
// outlive it.
class KeyPredicate {
 public:
  // Says nothing yet. The columns of the key: what type its values have.
  explicit KeyPredicate(std::vector<const sql::Column*> key)
      : key_(std::move(key)) {}
  // `condition` holds too, where the parts of the key are called `names`.
  void Add(const sql::Expression& condition, const std::vector<KeyPart>& names);

  // The shards that can hold rows that meet the conditions; none where no row
  // can. Without a key: all.
  ShardSet Shards(const ShardingStrategy& strategy,
                  const sql::Parameters* parameters) const;
  // Whether the values of every part of the key are listed, however many.
  bool ListsKeys(const sql::Parameters* parameters) const;
  // Whether there is anything that it says.
  bool says_something() const { return !all_.empty(); }

  // The values that the first part may have; nullopt where they are not listed.
  std::optional<std::vector<sql::Value>> ValuesOfFirst(
      const sql::Parameters* parameters) const;

  // For people: "cities.continent = 'EU'", with the values of parameters.
  std::string DebugString(const sql::Parameters* parameters) const;

  // A literal, or a parameter whose value is given when the statement runs.
  struct Constant {
    const sql::Value* literal = nullptr;
    const std::string* parameter = nullptr;

    // Null for a parameter without a value.
    const sql::Value* Find(const sql::Parameters* parameters) const {
      if (literal != nullptr) return literal;
      return parameters == nullptr ? nullptr : parameters->Find(*parameter);
    }
  };
  // Nullopt for what is neither.
  static std::optional<Constant> ConstantOf(const sql::Expression& expression);

 private:
  enum class Kind : std::uint8_t {
    kOneOf,
    kNoneOf,
    kAtLeast,
    kAtMost,
    kTruth,  // a constant that is the condition itself
  };
  // One thing said of one part of the key.
  struct Fact {
    Kind kind;
    bool inclusive = true;  // kAtLeast, kAtMost
    bool negated = false;   // kTruth
    std::size_t part = 0;
    absl::InlinedVector<Constant, 1> constants = {};
  };
  // Facts that hold together, and choices, in each of which one branch holds.
  struct Branch {
    std::vector<Fact> facts;
    std::vector<std::vector<Branch>> choices;
    bool empty() const { return facts.empty() && choices.empty(); }
  };
  using Domains = absl::InlinedVector<KeyDomain, 2>;
  class Reader;

  static bool Apply(const Fact& fact, const sql::ValueType type,
                    KeyDomain* domain, const sql::Parameters* parameters);
  // False: no row can meet it.
  bool ApplyAll(const Branch& branch, Domains* domains,
                const sql::Parameters* parameters) const;
  // `domains`: what is known around the branch; what it says is added.
  ShardSet ShardsOf(const Branch& branch, Domains* domains,
                    const ShardingStrategy& strategy,
                    const sql::Parameters* parameters) const;
  bool ListsKeys(const Branch& branch, const Domains& around,
                 const sql::Parameters* parameters) const;
  // False where they are not listed.
  bool CollectFirst(const Branch& branch, const Domains& around,
                    const sql::Parameters* parameters,
                    std::vector<sql::Value>* out) const;
  std::string TextOf(const Fact& fact, const sql::Parameters* parameters) const;
  std::string TextOf(const Branch& branch,
                     const sql::Parameters* parameters) const;

  std::vector<const sql::Column*> key_;
  Branch all_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_KEY_PREDICATE_H_
