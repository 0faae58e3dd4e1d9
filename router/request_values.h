// What a request says of the values of a column, for choosers and resolvers of
// your own.
#ifndef SHARD_ROUTER_REQUEST_VALUES_H_
#define SHARD_ROUTER_REQUEST_VALUES_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/bind_request.h"
#include "shard/sql/column.h"
#include "shard/sql/value.h"

namespace shard {

// The value that the object, row or primary key has there. kNotFound where it
// is not known.
absl::StatusOr<sql::Value> KnownValue(const BindRequest& request,
                                      const sql::Column& column);

// The values that rows of the statement can have there, by its conditions with
// "=", IN, AND, OR and what else KeyPredicate reads; nullopt where they are not
// listed, or there is no statement that can be read. Rather too many than too
// few.
std::optional<std::vector<sql::Value>> PossibleValues(
    const BindRequest& request, const sql::Column& column);

// The same for a mapped column: KnownValue(request, City::c.continent).
template <class MappedColumn>
requires requires { MappedColumn::column(); }
absl::StatusOr<sql::Value> KnownValue(const BindRequest& request,
                                      const MappedColumn&) {
  return KnownValue(request, MappedColumn::column());
}
template <class MappedColumn>
requires requires { MappedColumn::column(); }
std::optional<std::vector<sql::Value>> PossibleValues(
    const BindRequest& request, const MappedColumn&) {
  return PossibleValues(request, MappedColumn::column());
}

}  // namespace shard

#endif  // SHARD_ROUTER_REQUEST_VALUES_H_
