// One statement, or one batch of equal statements, of a flush on one share.
#ifndef SHARD_SESSION_FLUSH_STEP_H_
#define SHARD_SESSION_FLUSH_STEP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"
#include "shard/session/object_loader.h"
#include "shard/session/transaction.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// Filled by Add, sent by Start, answered by Finish (perhaps in another thread),
// and taken over into the objects by Apply, in the session's thread, once all
// went well. The flush keeps the objects alive and unchanged meanwhile.
class FlushStep {
 public:
  explicit FlushStep(const Mapping* mapping) : mapping_(mapping) {}
  virtual ~FlushStep() = default;
  FlushStep(const FlushStep&) = delete;
  FlushStep& operator=(const FlushStep&) = delete;

  // `attributes`: those of `object`, as Mapping::Attributes gives them. Their
  // values are taken here, while the object is near.
  virtual void Add(EntityBase& object, AttributeBase* const* attributes) = 0;
  const Mapping& mapping() const { return *mapping_; }
  virtual absl::Status Start(Share& share) = 0;
  virtual absl::Status Finish(Share& share) = 0;
  virtual absl::Status Apply(Share& share, ObjectLoader& loader) = 0;

 protected:
  // kAborted, naming class and key, unless every run changed exactly one row.
  absl::Status CheckOneRowEach(const Outcome& outcome, const char* verb) const;
  // Appends the values of the fields in the set, then the object's key.
  void AppendFields(AttributeBase* const* attributes, std::uint64_t fields);
  void AppendKey(const EntityBase& object);
  Request MakeRequest(const CompiledStatement& statement) const {
    return {&statement, values_, objects_.size()};
  }
  // Takes over the state after an INSERT: identity and attributes.
  void BecomePersistent(EntityBase& object, AttributeBase* const* attributes,
                        const Share& share);

  // The same after an UPDATE; the key may have changed.
  void TakeUpdate(EntityBase& object, AttributeBase* const* attributes,
                  ObjectLoader& loader);

  const Mapping* mapping_;
  std::vector<EntityBase*> objects_;
  std::vector<sql::ValueView> values_;
  sql::ByteArena arena_;
};

// INSERT of objects that set the same fields. Where the database makes the key
// it comes back in the order of the objects.
class InsertStep : public FlushStep {
 public:
  enum class Key { kGiven, kGenerated, kReturned };
  // `returning`: for kReturned, the statement that hands the key back.
  InsertStep(const Mapping* mapping, std::uint64_t fields, Key key,
             const CompiledStatement* returning);
  // Makes room for so many objects.
  void Reserve(std::size_t objects);
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  absl::Status TakeKey(EntityBase& object, AttributeBase* const* attributes,
                       std::size_t index);

  const std::uint64_t fields_;
  const Key key_;
  const CompiledStatement* returning_;
  std::vector<const sql::Column*> columns_;
  Outcome outcome_;
  RowBatch rows_;
};

// INSERT or UPDATE of one object with SQL expressions in it.
class ExpressionStep : public FlushStep {
 public:
  ExpressionStep(const Mapping* mapping,
                 std::shared_ptr<const CompiledStatement> statement,
                 bool is_insert);
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  std::shared_ptr<const CompiledStatement> statement_;
  const bool is_insert_;
  RowBatch rows_;
};

// UPDATE by key of objects that changed the same fields.
class UpdateStep : public FlushStep {
 public:
  UpdateStep(const Mapping* mapping, std::uint64_t fields,
             const CompiledStatement* statement)
      : FlushStep(mapping), fields_(fields), statement_(statement) {}
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  const std::uint64_t fields_;
  const CompiledStatement* statement_;
};

// DELETE by key.
class DeleteStep : public FlushStep {
 public:
  DeleteStep(const Mapping* mapping, const CompiledStatement* statement)
      : FlushStep(mapping), statement_(statement) {}
  void Add(EntityBase& object, AttributeBase* const* attributes) override;
  absl::Status Start(Share& share) override;
  absl::Status Finish(Share& share) override;
  absl::Status Apply(Share& share, ObjectLoader& loader) override;

 private:
  const CompiledStatement* statement_;
};

}  // namespace shard

#endif  // SHARD_SESSION_FLUSH_STEP_H_
