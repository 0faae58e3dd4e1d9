// The flush of objects whose rows stand on all shards.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/copy_step.h"
#include "shard/session/flush_fields.h"
#include "shard/session/flusher.h"

namespace shard {
namespace {

absl::Status CannotCopy(const Mapping& mapping, std::uint64_t fields,
                        const char* problem) {
  std::size_t field = 0;
  while (!HasField(fields, field)) ++field;
  return absl::InvalidArgumentError(
      absl::StrCat(mapping.class_info().name, ".",
                   mapping.field(field).column->name(), problem));
}

absl::Status CheckVersion(const Mapping& mapping) {
  if (mapping.version() != VersionKind::kServer ||
      mapping.field(mapping.version_field()).column->onupdate()) {
    return absl::OkStatus();
  }
  return CannotCopy(mapping, mapping.version_set(),
                    " is a version that triggers make, each shard its own, and "
                    "the rows are to be the same on all; let the session make "
                    "it");
}

}  // namespace

absl::StatusOr<const std::vector<Share*>*> Flusher::EverywhereOf(
    const Mapping& mapping) {
  if (latest_everywhere_.mapping == &mapping) return latest_everywhere_.shares;
  const auto [known, is_new] = everywhere_.try_emplace(&mapping);
  if (is_new) {
    known->second = std::make_unique<std::vector<Share*>>();
    BindRequest request;
    request.class_info = &mapping.class_info();
    request.operation = Operation::kFlush;
    request.history = &transaction_;
    if (resolver_.WritesEverywhere(request)) {
      SHARD_RETURN_IF_ERROR(CheckVersion(mapping));
      SHARD_ASSIGN_OR_RETURN(const BindSet binds,
                             resolver_.ResolveAll(request));
      for (const Bind& bind : binds) {
        SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(bind));
        known->second->push_back(share);
      }
    }
  }
  latest_everywhere_ = {&mapping, known->second.get()};
  return latest_everywhere_.shares;
}

absl::Status Flusher::CheckFetchesForCopies(const Mapping& mapping,
                                            std::uint64_t made) {
  if (made == 0 || mapping.options().returning) return absl::OkStatus();
  return CannotCopy(mapping, made,
                    " is made by the database, which without RETURNING cannot "
                    "say what it made (the class has the option NoReturning), "
                    "and all shards are to have the same; set it");
}

absl::StatusOr<std::uint64_t> Flusher::FetchedForCopies(const Mapping& mapping,
                                                        const FieldSets& sets) {
  const std::uint64_t unset =
      AllFields(mapping) & ~sets.values & ~mapping.key_set();
  SHARD_RETURN_IF_ERROR(CheckFetchesForCopies(
      mapping, unset & (mapping.server_defaults() | sets.expressions)));
  return mapping.options().returning ? unset : 0;
}

absl::StatusOr<std::unique_ptr<CopyStep>> Flusher::MakeCopy(
    const FlushStep* original, StepKind kind, std::uint64_t fields,
    const Share& first, const Share& other) {
  const Mapping& mapping = original->mapping();
  const CompiledStatement* statement = nullptr;
  switch (kind) {
    case StepKind::kInsert:
      return std::make_unique<InsertCopyStep>(original, &first.name(), fields);
    case StepKind::kUpdate: {
      SHARD_ASSIGN_OR_RETURN(
          statement,
          statements_.UpdateRow(mapping, other.dialect(), fields, 0));
      break;
    }
    case StepKind::kDelete: {
      SHARD_ASSIGN_OR_RETURN(statement,
                             statements_.DeleteRow(mapping, other.dialect()));
      break;
    }
  }
  return std::make_unique<WriteCopyStep>(original, &first.name(), fields,
                                         statement);
}

absl::Status Flusher::AddCopies(const FlushStep* original, StepKind kind,
                                std::uint64_t fields, EntityBase& object,
                                AttributeBase* const* attributes) {
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*>* shares,
                         EverywhereOf(original->mapping()));
  if (shares->size() < 2) return absl::OkStatus();
  std::vector<CopyStep*>& copies = copies_[original];
  if (copies.empty()) {
    for (std::size_t i = 1; i < shares->size(); ++i) {
      Share& other = *(*shares)[i];
      SHARD_ASSIGN_OR_RETURN(
          std::unique_ptr<CopyStep> made,
          MakeCopy(original, kind, fields, *shares->front(), other));
      copies.push_back(made.get());
      AddStep(other, kind, std::move(made));
    }
  }
  for (CopyStep* copy : copies) copy->Add(object, attributes);
  return absl::OkStatus();
}

}  // namespace shard
