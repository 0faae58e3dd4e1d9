// One statement, or one batch of equal statements, of a flush on one share.
#ifndef SHARD_SESSION_FLUSH_STEP_H_
#define SHARD_SESSION_FLUSH_STEP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
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

  // Makes room for so many objects.
  virtual void Reserve(std::size_t objects) { objects_.reserve(objects); }
  // `attributes`: those of `object`, as Mapping::Attributes gives them. Their
  // values are taken here, while the object is near.
  virtual void Add(EntityBase& object, AttributeBase* const* attributes) = 0;
  const Mapping& mapping() const { return *mapping_; }
  virtual absl::Status Start(Share& share) = 0;
  virtual absl::Status Finish(Share& share) = 0;
  virtual absl::Status Apply(Share& share, ObjectLoader& loader) = 0;
  // After Finish has failed: the object that had no row, or null.
  EntityBase* missed() const { return missed_; }
  // Whether it may be started now.
  virtual bool ready() const { return true; }
  bool applied() const { return applied_; }
  void set_applied() { applied_ = true; }

 protected:
  // kAborted unless every run changed exactly one row; names class and key of
  // the first that did not, and the versions where the class has them. Where
  // the database does not count the rows of a NoReturning class it is taken on
  // trust, and kFailedPrecondition where the class has versions. Poisons the
  // share.
  absl::Status CheckOneRowEach(const Outcome& outcome, const char* verb,
                               Share& share);
  // Appends the values of the fields in the set.
  void AppendFields(AttributeBase* const* attributes, std::uint64_t fields);
  // Appends what the condition of an UPDATE or DELETE asks for: the key that
  // the row has, and its version.
  void AppendCondition(const EntityBase& object,
                       AttributeBase* const* attributes);
  // How many values that are.
  std::size_t condition_size() const {
    return mapping_->key_fields().size() +
           (mapping_->version() == VersionKind::kNone ? 0 : 1);
  }
  // The version to write behind that of the attribute.
  sql::ValueView NextVersion(AttributeBase* const* attributes);
  Request MakeRequest(const CompiledStatement& statement) const {
    return {&statement, values_, objects_.size()};
  }
  // Takes over what RETURNING says of the fields in the set, in their order.
  absl::Status ReadReturned(AttributeBase* const* attributes,
                            std::uint64_t fields,
                            absl::Span<const sql::ValueView> cells) const;
  // After its statement an object has nothing left to write.
  static void BecomeClean(InstanceState& state);
  // Takes over the version that an UPDATE wrote: `next`, or the one among those
  // returned, or it is to be loaded.
  absl::Status TakeVersion(AttributeBase* const* attributes,
                           const sql::ValueView& next, std::uint64_t returned);
  // Takes over the state after an INSERT: identity and attributes. The session
  // holds the object from then on.
  void BecomePersistent(EntityBase& object, AttributeBase* const* attributes,
                        const Share& share, ObjectLoader& loader);

  // The same after an UPDATE of the fields in the set; the key may be one.
  void TakeUpdate(EntityBase& object, AttributeBase* const* attributes,
                  std::uint64_t fields, ObjectLoader& loader);

  bool MayBeUncounted(Share& share) const;

  const Mapping* mapping_;
  std::vector<EntityBase*> objects_;
  std::vector<sql::ValueView> values_;
  sql::ByteArena arena_;

 private:
  EntityBase* missed_ = nullptr;
  bool applied_ = false;
};

}  // namespace shard

#endif  // SHARD_SESSION_FLUSH_STEP_H_
