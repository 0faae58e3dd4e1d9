// SessionCore's bulk operations.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/bulk_writer.h"
#include "shard/session/key_assigner.h"
#include "shard/session/keyed_rows.h"
#include "shard/session/session_core.h"

namespace shard {
namespace {

// Runs of objects of one class and kind, in order; by kAny one for each.
class ObjectRuns {
 public:
  ObjectRuns(const BulkOptions& options) : options_(options) {}

  absl::Status Add(EntityBase* object, std::size_t position) {
    SHARD_RETURN_IF_ERROR(distinct_.Add(object, position));
    const BulkKind kind =
        HasRow(*object) ? BulkKind::kUpdate : BulkKind::kInsert;
    RunFor(object->mapping(), kind).rows->Add(object, position);
    return absl::OkStatus();
  }

  template <class Visit>
  absl::Status ForEach(Visit&& visit) {
    if (options_.preserve_order == BulkOrder::kAny) {
      SHARD_RETURN_IF_ERROR(ForEachOf(BulkKind::kInsert, visit));
      return ForEachOf(BulkKind::kUpdate, visit);
    }
    for (const Run& run : runs_) {
      SHARD_RETURN_IF_ERROR(visit(run.kind, run.rows.get()));
    }
    return absl::OkStatus();
  }

 private:
  struct Run {
    const Mapping* mapping;
    BulkKind kind;
    std::unique_ptr<ObjectRows> rows;
  };

  Run& RunFor(const Mapping& mapping, BulkKind kind) {
    const std::size_t from =
        options_.preserve_order == BulkOrder::kAny || runs_.empty()
            ? 0
            : runs_.size() - 1;
    for (std::size_t i = from; i < runs_.size(); ++i) {
      if (runs_[i].mapping == &mapping && runs_[i].kind == kind) {
        return runs_[i];
      }
    }
    return runs_.emplace_back(
        Run{&mapping, kind,
            std::make_unique<ObjectRows>(&mapping, kind,
                                         options_.update_changed_only)});
  }
  template <class Visit>
  absl::Status ForEachOf(BulkKind kind, Visit&& visit) {
    for (const Run& run : runs_) {
      if (run.kind != kind) continue;
      SHARD_RETURN_IF_ERROR(visit(run.kind, run.rows.get()));
    }
    return absl::OkStatus();
  }

  const BulkOptions& options_;
  DistinctObjects distinct_;
  std::vector<Run> runs_;
};

// Gives rows that go in the keys that they lack: objects take them, of others
// `keyed` has them. Whether it does.
absl::StatusOr<bool> MakeKeys(const GeneratedKeys& keys, const BulkRows& rows,
                              KeyedRows* keyed) {
  SHARD_ASSIGN_OR_RETURN(const KeyFields fields,
                         KeyFieldsOf(keys, rows.mapping()));
  if (fields.empty()) return false;
  if (rows.object(0) == nullptr) {
    SHARD_RETURN_IF_ERROR(keyed->TakeKeys(fields));
    return true;
  }
  KeyAssigner assigner(keys);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!HasRow(*rows.object(i))) {
      SHARD_RETURN_IF_ERROR(assigner.Add(*rows.object(i)));
    }
  }
  SHARD_RETURN_IF_ERROR(assigner.Assign());
  return false;
}

}  // namespace

BulkWriter SessionCore::MakeBulkWriter(const BindArguments& bind,
                                       const BulkOptions* options,
                                       BulkReport* report) {
  BulkWriter::Where where;
  if (bind.engine != nullptr) where.place = PlaceOf(bind.engine);
  where.shard = bind.shard;
  where.shards = bind.shards;
  where.arguments = &bind.values;
  return BulkWriter(where, options_.resolver.get(), &transaction_, options,
                    report);
}

absl::Status SessionCore::RunBulk(BulkWriter& writer) {
  if (!writer.has_work()) return absl::OkStatus();
  const absl::Status status = writer.Run();
  writer.ForEachStep([&](const BulkPart& part) {
    NoteWritten({nullptr, &part.mapping().table()});
  });
  ExpireBulk(writer);
  return status;
}

// What was changed behind the objects' backs is read again.
void SessionCore::ExpireBulk(const BulkWriter& writer) {
  if (identity_map_.size() == 0) return;
  if (writer.may_write_other_keys()) {
    // Which rows those are the database does not say.
    writer.ForEachStep([this](const BulkPart& part) {
      identity_map_.ForEach([&](const std::shared_ptr<EntityBase>& object) {
        if (&object->mapping() == &part.mapping()) ExpireLoaded(*object);
      });
    });
    return;
  }
  BulkRow row;
  sql::ByteArena arena;
  writer.ForEachKnown(
      [&](const BulkPart& part, std::size_t index, const Share& share) {
        arena.Clear();
        const Mapping& mapping = part.mapping();
        if (!part.rows().ReadKey(index, &row, arena).ok() ||
            !HasKey(mapping, row)) {
          return;
        }
        if (const auto held = identity_map_.Find(
                {&mapping, loader_.ShardInIdentity(mapping, share.bind()),
                 KeyOf(mapping, row)})) {
          ExpireLoaded(*held);
        }
      });
}

absl::StatusOr<BulkReport> SessionCore::Bulk(BulkKind kind, BulkRows& rows,
                                             const BulkOptions& options,
                                             const BindArguments& bind) {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing("a bulk operation"));
  SHARD_RETURN_IF_ERROR(transaction_.Autobegin());
  BulkReport report;
  if (rows.size() == 0) return report;
  if (options.return_defaults) report.keys.resize(rows.size());
  BulkRows* input = &rows;
  KeyedRows keyed(&rows);
  if (kind == BulkKind::kInsert && !options_.keys.empty()) {
    SHARD_ASSIGN_OR_RETURN(const bool made,
                           MakeKeys(options_.keys, rows, &keyed));
    if (made) input = &keyed;
  }
  BulkWriter writer = MakeBulkWriter(bind, &options, &report);
  SHARD_RETURN_IF_ERROR(writer.Plan(kind, input));
  SHARD_RETURN_IF_ERROR(RunBulk(writer));
  return report;
}

absl::StatusOr<BulkReport> SessionCore::BulkSave(
    absl::Span<EntityBase* const> objects, const BulkOptions& options,
    const BindArguments& bind) {
  SHARD_RETURN_IF_ERROR(CheckNotFlushing("a bulk operation"));
  SHARD_RETURN_IF_ERROR(transaction_.Autobegin());
  BulkReport report;
  if (objects.empty()) return report;
  if (options.return_defaults) report.keys.resize(objects.size());
  ObjectRuns runs(options);
  KeyAssigner assigner(options_.keys);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    SHARD_RETURN_IF_ERROR(runs.Add(objects[i], i));
    if (!options_.keys.empty() && !HasRow(*objects[i])) {
      SHARD_RETURN_IF_ERROR(assigner.Add(*objects[i]));
    }
  }
  SHARD_RETURN_IF_ERROR(assigner.Assign());
  BulkWriter writer = MakeBulkWriter(bind, &options, &report);
  SHARD_RETURN_IF_ERROR(
      runs.ForEach([&writer](BulkKind kind, ObjectRows* rows) {
        return writer.Plan(kind, rows);
      }));
  SHARD_RETURN_IF_ERROR(RunBulk(writer));
  return report;
}

}  // namespace shard
