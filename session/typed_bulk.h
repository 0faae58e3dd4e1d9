// The bulk templates of ShardedSession. To be had by sharded_session.h, where
// they are explained.
#ifndef SHARD_SESSION_TYPED_BULK_H_
#define SHARD_SESSION_TYPED_BULK_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/sharded_session.h"
#include "shard/session/struct_rows.h"
#include "shard/sql/statement.h"

namespace shard {
namespace internal {

template <MappedClass E, class Input>
absl::StatusOr<BulkReport> RunBulk(SessionCore& core, BulkKind kind,
                                   const Input& rows,
                                   const BulkOptions& options,
                                   const BindArguments& bind) {
  const Mapping& mapping = E::ClassMapping();
  if constexpr (std::convertible_to<const Input&,
                                    absl::Span<const sql::Parameters>>) {
    MappingRows mappings(&mapping, rows);
    return core.Bulk(kind, mappings, options, bind);
  } else if constexpr (std::convertible_to<const Input&,
                                           absl::Span<const typename E::Row>>) {
    StructRows<E> structs(rows, core.LeftOut(kind, mapping, options));
    return core.Bulk(kind, structs, options, bind);
  } else {
    ObjectRows objects(
        &mapping, kind,
        kind == BulkKind::kUpdate && options.update_changed_only);
    DistinctObjects distinct;
    std::size_t position = 0;
    for (const std::shared_ptr<E>& object : rows) {
      SHARD_RETURN_IF_ERROR(distinct.Add(object.get(), position));
      objects.Add(object.get(), position++);
    }
    return core.Bulk(kind, objects, options, bind);
  }
}

}  // namespace internal

template <MappedClass E, class Input>
absl::StatusOr<BulkReport> ShardedSession::BulkInsert(
    const Input& rows, const BulkOptions& options, const BindArguments& bind) {
  return internal::RunBulk<E>(*core_, BulkKind::kInsert, rows, options, bind);
}
template <MappedClass E, class Input>
absl::StatusOr<BulkReport> ShardedSession::BulkUpdate(
    const Input& rows, const BulkOptions& options, const BindArguments& bind) {
  return internal::RunBulk<E>(*core_, BulkKind::kUpdate, rows, options, bind);
}
template <MappedClass E, class Input>
absl::StatusOr<BulkReport> ShardedSession::BulkUpsert(
    const Input& rows, const BulkOptions& options, const BindArguments& bind) {
  return internal::RunBulk<E>(*core_, BulkKind::kUpsert, rows, options, bind);
}
template <MappedClass E, class Input>
absl::StatusOr<BulkReport> ShardedSession::BulkDelete(
    const Input& rows, const BulkOptions& options, const BindArguments& bind) {
  return internal::RunBulk<E>(*core_, BulkKind::kDelete, rows, options, bind);
}

template <class Objects>
absl::StatusOr<BulkReport> ShardedSession::BulkSaveObjects(
    const Objects& objects, const BulkOptions& options,
    const BindArguments& bind) {
  std::vector<EntityBase*> pointers;
  for (const auto& object : objects) pointers.push_back(object.get());
  return core_->BulkSave(pointers, options, bind);
}

}  // namespace shard

#endif  // SHARD_SESSION_TYPED_BULK_H_
