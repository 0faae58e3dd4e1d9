// Objects get the keys that they lack.
#ifndef SHARD_SESSION_KEY_ASSIGNER_H_
#define SHARD_SESSION_KEY_ASSIGNER_H_

#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/session/entity_base.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/mapping.h"

namespace shard {

// A field of a class, and who makes its values.
struct KeyField {
  std::uint16_t field;
  KeyGenerator* generator;
};
using KeyFields = absl::InlinedVector<KeyField, 2>;

// What SessionOptions::keys says of a class. kInvalidArgument: an entry without
// a column or a generator, or two of one column.
absl::StatusOr<KeyFields> KeyFieldsOf(absl::Span<const GeneratedKey> keys,
                                      const Mapping& mapping);

// "Order.id: no key was made for it: <words>".
absl::Status NoKeyError(const Mapping& mapping, std::size_t field,
                        const absl::Status& error);

// Takes `count` keys, and not another number of them.
absl::Status TakeKeys(KeyGenerator& generator, std::size_t count,
                      std::vector<sql::ValueView>* keys, sql::ByteArena& arena);

// Used once: notes the objects first, so that each generator is asked once for
// all of them.
class KeyAssigner {
 public:
  explicit KeyAssigner(absl::Span<const GeneratedKey> keys) : keys_(keys) {}

  // An object without a row.
  absl::Status Add(EntityBase& object);
  // Gives each attribute that is unset its key, as if it had been assigned. An
  // error names class and column, and no object has changed then.
  absl::Status Assign();

 private:
  struct Lack {
    EntityBase* object;
    std::uint16_t field;
  };
  struct Demand {
    KeyGenerator* generator;
    std::vector<Lack> lacks;
    std::vector<sql::ValueView> keys;
  };
  Demand& DemandOn(KeyGenerator* generator);
  absl::Status Give(const Demand& demand);

  const absl::Span<const GeneratedKey> keys_;
  const Mapping* latest_ = nullptr;  // most objects are like the one before
  KeyFields latest_fields_;
  std::vector<Demand> demands_;
};

}  // namespace shard

#endif  // SHARD_SESSION_KEY_ASSIGNER_H_
