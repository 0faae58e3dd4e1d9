// The templates of ShardedSession: the types that its core does without. To be
// had by sharded_session.h, where they are explained.
#ifndef SHARD_SESSION_TYPED_SESSION_H_
#define SHARD_SESSION_TYPED_SESSION_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/sharded_session.h"
#include "shard/session/typed_arguments.h"

namespace shard {

template <MappedClass E, class... Key>
absl::StatusOr<std::shared_ptr<E>> ShardedSession::Get(const Key&... key) {
  const Mapping& mapping = E::ClassMapping();
  static const BindArguments none;
  const BindArguments* bind = &none;
  (internal::TakeBind(key, &bind), ...);
  if constexpr (sizeof...(Key) == 1 && (std::signed_integral<Key> && ...)) {
    // The commonest key, without memory.
    if (mapping.has_integer_key()) {
      auto found = core_->Get(mapping, KeyValue(std::int64_t{key}...), *bind);
      if (!found.ok()) return std::move(found).status();
      return std::static_pointer_cast<E>(*std::move(found));
    }
  }
  std::vector<sql::Value> parts;
  (internal::TakePart(key, &parts), ...);
  SHARD_ASSIGN_OR_RETURN(const KeyValue value,
                         internal::MakeKey(mapping, parts));
  auto found = core_->Get(mapping, value, *bind);
  if (!found.ok()) return std::move(found).status();
  return std::static_pointer_cast<E>(*std::move(found));
}

template <MappedClass E>
absl::StatusOr<std::vector<std::shared_ptr<E>>> ShardedSession::Scalars(
    const TypedSelect<E>& select, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  auto objects =
      core_->LoadObjects(E::ClassMapping(), select, parameters, bind, how);
  if (!objects.ok()) return std::move(objects).status();
  // Filled in place: growing, moving and converting a vector of its own for
  // each class would cost the compiler more than all the rest.
  absl::StatusOr<std::vector<std::shared_ptr<E>>> typed(absl::in_place,
                                                        objects->size());
  for (std::size_t i = 0; i < objects->size(); ++i) {
    auto object = std::static_pointer_cast<E>(std::move((*objects)[i]));
    (*typed)[i].swap(object);
  }
  return typed;
}

template <class T>
requires(!MappedClass<T>)
    absl::StatusOr<std::vector<T>> ShardedSession::Scalars(
        const TypedSelect<T>& select, const sql::Parameters& parameters,
        const BindArguments& bind, const ExecutionOptions& how) {
  SHARD_ASSIGN_OR_RETURN(Result result,
                         core_->Execute(select, parameters, bind, how));
  std::vector<T> values;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const StreamRow* row, result.Next());
    if (row == nullptr) return values;
    T value{};
    SHARD_RETURN_IF_ERROR(sql::TypeAdapter<T>::Read(row->cells[0], &value));
    values.push_back(std::move(value));
  }
}

template <class... Ts>
requires(sizeof...(Ts) > 1)
    absl::StatusOr<std::vector<std::tuple<Ts...>>> ShardedSession::Tuples(
        const TypedSelect<Ts...>& select, const sql::Parameters& parameters,
        const BindArguments& bind, const ExecutionOptions& how) {
  auto rows = core_->OpenRows(select, parameters, bind, how);
  if (!rows.ok()) return std::move(rows).status();
  return internal::ReadTuples<Ts...>(**rows);
}

template <class T>
requires(!MappedClass<T>) absl::StatusOr<T> ShardedSession::Scalar(
    const TypedSelect<T>& select, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  SHARD_ASSIGN_OR_RETURN(Result result,
                         core_->Execute(select, parameters, bind, how));
  return result.Scalar<T>();
}

template <MappedClass E>
absl::StatusOr<ObjectStream<E>> ShardedSession::Stream(
    const TypedSelect<E>& select, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  auto reader =
      core_->OpenObjects(E::ClassMapping(), select, parameters, bind, how);
  if (!reader.ok()) return std::move(reader).status();
  return ObjectStream<E>(*std::move(reader));
}

template <MappedClass E>
absl::StatusOr<std::vector<typename E::Row>> ShardedSession::Rows(
    const TypedSelect<E>& select, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  SHARD_ASSIGN_OR_RETURN(StructStream<E> stream,
                         StreamRows(select, parameters, bind, how));
  return stream.All();
}

template <MappedClass E>
absl::StatusOr<StructStream<E>> ShardedSession::StreamRows(
    const TypedSelect<E>& select, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  SHARD_RETURN_IF_ERROR(E::ClassMapping().status());
  auto rows = core_->OpenRows(
      internal::WithAllFields(E::ClassMapping(), select.statement()),
      parameters, bind, how);
  if (!rows.ok()) return std::move(rows).status();
  return StructStream<E>(*std::move(rows));
}

template <MappedClass E>
absl::StatusOr<std::shared_ptr<E>> ShardedSession::Merge(const E& object) {
  auto merged = core_->Merge(object);
  if (!merged.ok()) return std::move(merged).status();
  return std::static_pointer_cast<E>(*std::move(merged));
}

template <class... Columns>
requires(sizeof...(Columns) >
         0) absl::Status ShardedSession::Refresh(EntityBase& object,
                                                 const Columns&...) {
  SHARD_ASSIGN_OR_RETURN(
      const std::uint64_t fields,
      internal::FieldsOf(object.mapping(), {&Columns::column()...}));
  return core_->RefreshFields(object, fields);
}

template <class... Columns>
requires(sizeof...(Columns) >
         0) absl::Status ShardedSession::Expire(EntityBase& object,
                                                const Columns&...) {
  SHARD_ASSIGN_OR_RETURN(
      const std::uint64_t fields,
      internal::FieldsOf(object.mapping(), {&Columns::column()...}));
  return core_->ExpireFields(object, fields);
}

}  // namespace shard

#endif  // SHARD_SESSION_TYPED_SESSION_H_
