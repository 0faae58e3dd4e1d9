#include "shard/session/key_assigner.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/attribute.h"
#include "shard/session/object_loader.h"
#include "shard/sql/byte_arena.h"

namespace shard {

absl::StatusOr<KeyFields> KeyFieldsOf(absl::Span<const GeneratedKey> keys,
                                      const Mapping& mapping) {
  KeyFields fields;
  for (const GeneratedKey& key : keys) {
    if (key.column == nullptr || key.generator == nullptr) {
      return absl::InvalidArgumentError(
          "SessionOptions::keys has an entry without a column, or without a "
          "generator");
    }
    if (&key.column->table() != &mapping.table()) continue;
    const auto field = static_cast<std::uint16_t>(key.column->index());
    const bool twice = std::any_of(
        fields.begin(), fields.end(),
        [field](const KeyField& known) { return known.field == field; });
    if (twice) {
      return absl::InvalidArgumentError(
          absl::StrCat("SessionOptions::keys has two generators for ",
                       mapping.class_info().name, ".", key.column->name(),
                       "; keep one of them"));
    }
    fields.push_back({field, key.generator.get()});
  }
  return fields;
}

absl::Status NoKeyError(const Mapping& mapping, std::size_t field,
                        const absl::Status& error) {
  return Annotate(error, absl::StrCat(mapping.class_info().name, ".",
                                      mapping.field(field).column->name(),
                                      ": no key was made for it"));
}

absl::Status TakeKeys(KeyGenerator& generator, std::size_t count,
                      std::vector<sql::ValueView>* keys,
                      sql::ByteArena& arena) {
  SHARD_RETURN_IF_ERROR(generator.Take(count, keys, arena));
  if (keys->size() == count) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the generator was asked for ", count,
                                          " keys, and gave ", keys->size()));
}

KeyAssigner::Demand& KeyAssigner::DemandOn(KeyGenerator* generator) {
  for (Demand& demand : demands_) {
    if (demand.generator == generator) return demand;
  }
  return demands_.emplace_back(Demand{generator, {}, {}});
}

absl::Status KeyAssigner::Add(EntityBase& object) {
  const Mapping& mapping = object.mapping();
  if (latest_ != &mapping) {
    SHARD_ASSIGN_OR_RETURN(latest_fields_, KeyFieldsOf(keys_, mapping));
    latest_ = &mapping;
  }
  if (latest_fields_.empty()) return absl::OkStatus();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  for (const KeyField& key : latest_fields_) {
    if (attributes[key.field]->state() != AttributeState::kUnset) continue;
    DemandOn(key.generator).lacks.push_back({&object, key.field});
  }
  return absl::OkStatus();
}

absl::Status KeyAssigner::Give(const Demand& demand) {
  AttributeBase* attributes[kMostFields];
  for (std::size_t i = 0; i < demand.lacks.size(); ++i) {
    const auto [object, field] = demand.lacks[i];
    const Mapping& mapping = object->mapping();
    mapping.Attributes(*object, attributes);
    const absl::Status read = mapping.field(field).ops->read(
        *attributes[field], demand.keys[i], AttributeState::kModified);
    if (!read.ok()) return CellError(mapping, field, demand.keys[i], read);
  }
  return absl::OkStatus();
}

absl::Status KeyAssigner::Assign() {
  sql::ByteArena arena;
  for (Demand& demand : demands_) {
    const absl::Status taken =
        TakeKeys(*demand.generator, demand.lacks.size(), &demand.keys, arena);
    if (!taken.ok()) {
      const Lack& first = demand.lacks.front();
      return NoKeyError(first.object->mapping(), first.field, taken);
    }
  }
  absl::Status given;
  for (const Demand& demand : demands_) {
    given = Give(demand);
    if (!given.ok()) break;
  }
  if (given.ok()) return given;
  AttributeBase* attributes[kMostFields];
  for (const Demand& demand : demands_) {
    for (const Lack& lack : demand.lacks) {
      lack.object->mapping().Attributes(*lack.object, attributes);
      AttributeAccess::SetState(*attributes[lack.field],
                                AttributeState::kUnset);
    }
  }
  return given;
}

}  // namespace shard
