// SessionCore's running of one statement with many sets of parameters.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/router/statement_tables.h"
#include "shard/session/object_key_reader.h"
#include "shard/session/same_everywhere.h"
#include "shard/session/session_core.h"
#include "shard/session/share_part.h"

namespace shard {
namespace {

absl::Status InSet(const absl::Status& status, std::size_t set) {
  return Annotate(status, absl::StrCat("parameter set ", set + 1));
}

// All sets have the names of the first; the order does not matter.
absl::Status CheckSameNames(absl::Span<const sql::Parameters> sets) {
  const auto& first = sets.front().values();
  for (std::size_t i = 1; i < sets.size(); ++i) {
    const auto& set = sets[i].values();
    for (std::size_t j = 0; j < first.size(); ++j) {
      if (j < set.size() && set[j].first == first[j].first) continue;
      if (sets[i].Find(first[j].first) != nullptr) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "parameter set ", i + 1, " has no value for ':", first[j].first,
          "', which the first set has; all must have the same names"));
    }
    for (std::size_t j = 0; set.size() != first.size() && j < set.size(); ++j) {
      if (sets.front().Find(set[j].first) != nullptr) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "parameter set ", i + 1, " has a value for ':", set[j].first,
          "', which the first set has not; all must have the same names"));
    }
  }
  return absl::OkStatus();
}

// Lines up the values of sets with a statement's placeholders. Where a name
// stands in the first set is found once; there it is looked for first.
class SetBinder {
 public:
  SetBinder(const CompiledStatement& compiled, const sql::Parameters& first)
      : compiled_(compiled) {
    for (const CompiledParameter& parameter : compiled.parameters) {
      const auto& values = first.values();
      const auto found = std::find_if(
          values.begin(), values.end(),
          [&](const auto& value) { return value.first == parameter.name; });
      places_.push_back(static_cast<std::size_t>(found - values.begin()));
    }
  }
  void Append(const sql::Parameters& set, std::vector<sql::ValueView>* out) {
    const auto& values = set.values();
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const CompiledParameter& parameter = compiled_.parameters[i];
      if (parameter.literal.has_value()) {
        out->push_back(parameter.literal->view());
      } else if (places_[i] < values.size() &&
                 values[places_[i]].first == parameter.name) {
        out->push_back(values[places_[i]].second.view());
      } else {
        out->push_back(set.Find(parameter.name)->view());
      }
    }
  }

 private:
  const CompiledStatement& compiled_;
  std::vector<std::size_t> places_;  // in the first set, by placeholder
};

}  // namespace

// A share and the numbers of the sets that it runs, in order.
struct SessionCore::PlacedSets {
  Share* share;
  std::vector<std::size_t> sets;
};

absl::StatusOr<Share*> SessionCore::PlaceInsert(
    const sql::InsertStatement& insert, const sql::Parameters& set,
    BindRequest request, const BindArguments& bind) {
  SHARD_RETURN_IF_ERROR(insert.error);
  Share* share = nullptr;
  for (std::size_t row = 0; row < std::max<std::size_t>(1, insert.rows.size());
       ++row) {
    InsertRowReader reader(insert, row, set);
    request.object = &reader;
    SHARD_ASSIGN_OR_RETURN(const Bind place, Resolve(request, bind));
    SHARD_ASSIGN_OR_RETURN(Share * of_row, transaction_.PlanShare(place));
    if (share != nullptr && share != of_row) {
      return absl::UnimplementedError(absl::StrCat(
          "the rows of the INSERT belong on '", share->name(), "' and '",
          of_row->name(),
          "'; let it insert one row, and give a set of parameters for each"));
    }
    share = of_row;
  }
  return share;
}

absl::StatusOr<std::vector<SessionCore::PlacedSets>> SessionCore::PlaceSets(
    const sql::Statement& statement, absl::Span<const sql::Parameters> sets,
    const BindArguments& bind, const ExecutionOptions& how) {
  const auto* insert = statement.As<sql::InsertStatement>();
  std::vector<PlacedSets> placed;
  BindRequest request = RequestFor(statement, sets.front(), bind, how);
  const bool everywhere = WritesEverywhere(request, bind);
  if (everywhere) SHARD_RETURN_IF_ERROR(CheckSameEverywhere(statement));
  bool checked = everywhere;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    request.parameters = &sets[i];
    std::vector<Share*> shares;
    if (insert != nullptr && !everywhere) {
      const auto share = PlaceInsert(*insert, sets[i], request, bind);
      if (!share.ok()) return InSet(share.status(), i);
      shares.push_back(*share);
    } else {
      const auto binds = ResolveAll(request, bind);
      if (!binds.ok()) return InSet(binds.status(), i);
      SHARD_ASSIGN_OR_RETURN(shares, PlanShares(*binds));
    }
    if (shares.size() > 1 && !std::exchange(checked, true)) {
      SHARD_RETURN_IF_ERROR(CheckRunsOnAll(statement, shares));
    }
    for (Share* share : shares) {
      auto entry = std::find_if(
          placed.begin(), placed.end(),
          [share](const PlacedSets& known) { return known.share == share; });
      if (entry == placed.end()) {
        entry = placed.insert(placed.end(), PlacedSets{share, {}});
      }
      entry->sets.push_back(i);
    }
  }
  return placed;
}

absl::StatusOr<Result> SessionCore::ExecuteMany(
    const sql::Statement& statement, absl::Span<const sql::Parameters> sets,
    const BindArguments& bind, const ExecutionOptions& how) {
  if (statement.is_select()) {
    return absl::InvalidArgumentError(
        "a SELECT takes one set of parameters; run it once for each");
  }
  if (sets.empty()) return CollectParts({});
  SHARD_RETURN_IF_ERROR(CheckSameNames(sets));
  SHARD_RETURN_IF_ERROR(Autoflush(how));
  SHARD_ASSIGN_OR_RETURN(const std::vector<PlacedSets> placed,
                         PlaceSets(statement, sets, bind, how));
  std::vector<SharePart> parts(placed.size());
  std::vector<Share*> shares;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    SharePart& part = parts[i];
    part.share = placed[i].share;
    shares.push_back(part.share);
    SHARD_ASSIGN_OR_RETURN(part.statement,
                           part.share->dialect().Compile(statement));
    SHARD_RETURN_IF_ERROR(
        BindParameters(*part.statement, sets.front(), &part.values));
    SetBinder binder(*part.statement, sets.front());
    part.runs = placed[i].sets.size();
    part.values.clear();
    part.values.reserve(part.runs * part.statement->parameters.size());
    for (const std::size_t set : placed[i].sets) {
      binder.Append(sets[set], &part.values);
    }
  }
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  SHARD_RETURN_IF_ERROR(ExpectToWrite(statement, shares));
  const bool everywhere =
      WritesEverywhere(RequestFor(statement, sets.front(), bind, how), bind);
  const absl::Status run = everywhere
                               ? RunCopies(*TablesOf(statement).front(), &parts)
                               : RunParts(parts);
  NoteTextWrote(statement, parts);
  ExpireWritten(statement, how);
  SHARD_RETURN_IF_ERROR(run);
  return CollectParts(std::move(parts));
}

}  // namespace shard
