// Loading rows of a class from a function that makes them.
#ifndef SHARD_SESSION_TYPED_LOAD_H_
#define SHARD_SESSION_TYPED_LOAD_H_

#include <utility>

#include "absl/status/statusor.h"
#include "shard/session/entity.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/session/session_options.h"

namespace shard {

// Load from a GeneratorSource<E>:
//
//   Load<Account>(options, [&]() -> std::optional<Account::Row> { ... });
template <MappedClass E, RowGenerator<E> G>
absl::StatusOr<LoadReport> Load(const SessionOptions& session, G generator,
                                const LoadOptions& options = {},
                                GeneratorOptions about = {}) {
  GeneratorSource<E> source(std::move(generator), std::move(about));
  return Load(session, source, options);
}

}  // namespace shard

#endif  // SHARD_SESSION_TYPED_LOAD_H_
