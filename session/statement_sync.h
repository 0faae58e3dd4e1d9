// From an UPDATE or DELETE by criteria to the objects whose rows it changes.
#ifndef SHARD_SESSION_STATEMENT_SYNC_H_
#define SHARD_SESSION_STATEMENT_SYNC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/session/attribute.h"
#include "shard/session/entity_base.h"
#include "shard/session/execution_options.h"
#include "shard/session/identity_map.h"
#include "shard/session/share_part.h"
#include "shard/sql/statement.h"

namespace shard {

// One run of one statement: Plan, run statement_on() each share, Finish with
// what they answered, then deleted() and expired() are for the session to see
// to. Not thread-safe; what it is given must outlive it.
class StatementSync {
 public:
  // `how` is none of kExpire and kNone.
  StatementSync(const sql::Statement* statement,
                const sql::Parameters* parameters, IdentityMap* objects)
      : statement_(*statement),
        parameters_(*parameters),
        identity_map_(*objects) {}

  // Chooses how, and what each share is to be asked. kUnimplemented, where
  // kEvaluate was wanted: see object_condition.h.
  absl::Status Plan(Synchronize how, const std::vector<Share*>& shares);
  // By its place among `shares`.
  const sql::Statement& statement_on(std::size_t share) const {
    return fetching_.has_value() && shares_[share].has_objects ? *fetching_
                                                               : statement_;
  }
  // How many columns of the rows are the caller's; all of them where unset.
  std::optional<std::size_t> visible() const { return visible_; }

  // Once all have run: gives objects their new values.
  absl::Status Finish(const std::vector<SharePart>& parts);

  // Objects whose rows are gone, and those of which it is not known.
  const std::vector<std::shared_ptr<EntityBase>>& deleted() const {
    return deleted_;
  }
  const std::vector<std::shared_ptr<EntityBase>>& expired() const {
    return expired_;
  }

 private:
  struct PlaceOfObjects {
    const Share* share = nullptr;
    bool has_objects = false;
    std::size_t matched = 0;  // by evaluation
  };
  struct Loaded {
    std::shared_ptr<EntityBase> object;
    std::size_t share;  // place in shares_
    // What evaluation says: the new values, of the columns set; nullopt where
    // it does not know.
    std::vector<std::optional<sql::Value>> values;
  };

  const sql::Expression& condition() const;
  absl::Span<const sql::ColumnAssignment> assignments() const;
  bool deletes() const;
  bool CanFetch() const;
  absl::Status CheckEvaluable() const;
  void CollectObjects();
  void PlanFetch();
  void Evaluate();
  absl::Status FinishFetch(const std::vector<SharePart>& parts);
  void FinishEvaluation(const std::vector<SharePart>& parts);
  void ExpireAll();
  // Gives an attribute the value, unless something was assigned to it.
  absl::Status TakeValue(EntityBase& object, AttributeBase* const* attributes,
                         std::size_t field,
                         const std::optional<sql::ValueView>& value);

  const sql::Statement& statement_;
  const sql::Parameters& parameters_;
  IdentityMap& identity_map_;
  const sql::Table* table_ = nullptr;
  const Mapping* mapping_ = nullptr;  // of the objects; null: there are none
  std::vector<PlaceOfObjects> shares_;
  std::vector<Loaded> objects_;  // those concerned, or that may be
  enum class Way : std::uint8_t { kNothing, kExpire, kFetch, kEvaluate };
  Way way_ = Way::kNothing;
  std::optional<sql::Statement> fetching_;  // with more to return
  std::optional<std::size_t> visible_;
  std::size_t hidden_from_ = 0;  // the caller's columns come before
  std::vector<std::shared_ptr<EntityBase>> deleted_, expired_;
};

}  // namespace shard

#endif  // SHARD_SESSION_STATEMENT_SYNC_H_
