// SessionCore's reading and running of statements.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/router/statement_tables.h"
#include "shard/session/merged_stream.h"
#include "shard/session/object_key_reader.h"
#include "shard/session/same_everywhere.h"
#include "shard/session/scatter_plan.h"
#include "shard/session/session_core.h"
#include "shard/session/share_part.h"

namespace shard {
namespace {

// Rows a cursor fetches at a time: enough to make the round trip cheap; where
// there is none, as many as stay near the processor until they are read.
std::size_t BatchRows(Share& share) {
  return share.connection().works_in_finish() ? 100 : 500;
}

// The class that is mapped to a table of the statement, or null.
const sql::ClassInfo* ClassOfTables(const sql::Statement& statement) {
  for (const sql::Table* table : TablesOf(statement)) {
    if (table->mapped_class() != nullptr) return table->mapped_class();
  }
  return nullptr;
}

// Has the part run `statement`.
absl::Status PreparePart(const sql::Statement& statement,
                         const sql::Parameters& parameters, SharePart* part,
                         UnusedValues unused = UnusedValues::kRefused) {
  SHARD_ASSIGN_OR_RETURN(part->statement,
                         part->share->dialect().Compile(statement));
  part->values.clear();
  return BindParameters(*part->statement, parameters, &part->values, unused);
}

// No shard need tell of more rows than one too many.
void LimitEach(const std::optional<std::int64_t>& most_rows,
               sql::SelectStatement* per_shard) {
  if (!most_rows.has_value() || per_shard->for_update ||
      *most_rows == std::numeric_limits<std::int64_t>::max()) {
    return;
  }
  per_shard->limit =
      std::min(per_shard->limit.value_or(*most_rows + 1), *most_rows + 1);
}

absl::Status TooMany(const BindRequest& request, std::int64_t most_rows) {
  const std::string about = request.class_info != nullptr
                                ? request.class_info->name
                                : TablesOf(*request.statement).front()->name();
  return absl::ResourceExhaustedError(absl::StrCat(
      "a SELECT of ", about,
      " that does not tell by the shard key where to look may fetch ",
      most_rows,
      " rows from all shards together, and there are more; add a condition on "
      "the shard key, name the shards, or raise "
      "HorizontalOptions::reads_without_key"));
}

std::string ShardNames(const std::vector<Share*>& shares) {
  std::string names;
  for (const Share* share : shares) {
    absl::StrAppend(&names, names.empty() ? "'" : ", '", share->name(), "'");
  }
  return names;
}

}  // namespace

absl::Status SessionCore::Autoflush(const ExecutionOptions& how) {
  if (!how.autoflush || !options_.autoflush || autoflush_pauses_ != 0 ||
      work_.empty() || flushing_ != Flushing::kNo || rolling_back_) {
    return absl::OkStatus();
  }
  return Annotate(Flush(), "autoflush");
}

BindRequest SessionCore::RequestFor(const sql::Statement& statement,
                                    const sql::Parameters& parameters,
                                    const BindArguments& bind,
                                    const ExecutionOptions& how) const {
  BindRequest request;
  request.class_info = bind.class_info;
  if (request.class_info == nullptr) {
    request.class_info = statement.class_info();
  }
  if (request.class_info == nullptr) {
    request.class_info = ClassOfTables(statement);
    request.class_is_of_table = request.class_info != nullptr;
  }
  request.statement = &statement;
  request.parameters = &parameters;
  request.operation =
      statement.is_select() ? Operation::kRead : Operation::kExecute;
  request.shard = bind.shard;
  request.shards = bind.shards;
  request.all_shards = how.all_shards;
  request.arguments = &bind.values;
  request.history = &transaction_;
  return request;
}

absl::StatusOr<Connection*> SessionCore::ConnectionFor(
    const BindArguments& bind) {
  BindRequest request;
  request.class_info = bind.class_info;
  request.operation = Operation::kExecute;
  request.shard = bind.shard;
  request.shards = bind.shards;
  request.arguments = &bind.values;
  request.history = &transaction_;
  SHARD_ASSIGN_OR_RETURN(const Bind place, Resolve(request, bind));
  SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.ShareFor(place));
  SHARD_RETURN_IF_ERROR(transaction_.RecordFollowers({share}));
  SHARD_RETURN_IF_ERROR(share->branch().Resume(true));
  share->branch().Touch(true);
  return &share->connection();
}

absl::StatusOr<Result> SessionCore::Execute(const sql::Statement& statement,
                                            const sql::Parameters& parameters,
                                            const BindArguments& bind,
                                            const ExecutionOptions& how) {
  SHARD_RETURN_IF_ERROR(Autoflush(how));
  const BindRequest request = RequestFor(statement, parameters, bind, how);
  if (WritesEverywhere(request, bind)) {
    absl::StatusOr<Result> result = RunEverywhere(request);
    ExpireWritten(statement, how);
    return result;
  }
  if (const auto* insert = statement.As<sql::InsertStatement>()) {
    absl::StatusOr<Result> result =
        RunInsert(*insert, statement, parameters, bind);
    ExpireWritten(statement, how);
    return result;
  }
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*> shares,
                         SharesFor(request, bind));
  if (statement.is_select()) {
    SHARD_ASSIGN_OR_RETURN(auto rows, RunSelect(request, shares));
    return Result(std::move(rows), 0);
  }
  if (shares.size() > 1) {
    SHARD_RETURN_IF_ERROR(CheckRunsOnAll(statement, shares));
  }
  if (SynchronizesObjects(statement, how)) {
    return RunSynchronized(statement, parameters, shares, how);
  }
  SHARD_RETURN_IF_ERROR(ExpectToWrite(statement, shares));
  absl::StatusOr<Result> result = RunBuffered(request, shares);
  ExpireWritten(statement, how);
  return result;
}

absl::Status SessionCore::CheckRunsOnAll(const sql::Statement& statement,
                                         const std::vector<Share*>& shares) {
  if (statement.As<sql::TextStatement>() != nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        "raw SQL text cannot be run on ", ShardNames(shares),
        " at once, since what it means together is not known; name a shard"));
  }
  return CheckScatters(ExpressionsOf(statement));
}

absl::Status SessionCore::ExpectToWrite(const sql::Statement& statement,
                                        const std::vector<Share*>& shares) {
  if (statement.As<sql::TextStatement>() != nullptr) {  // it may write
    return transaction_.RecordFollowers(shares);
  }
  SHARD_RETURN_IF_ERROR(transaction_.CheckMayWrite(shares));
  for (Share* share : shares) transaction_.ExpectCommit(*share);
  return absl::OkStatus();
}

// What each share runs, with the values that it needs.
absl::StatusOr<std::vector<SharePart>> SessionCore::PlanSelect(
    const BindRequest& request, const std::vector<Share*>& shares,
    ScatterPlan* plan) {
  const auto& select = *request.statement->As<sql::SelectStatement>();
  plan->visible = select.columns.size();
  std::vector<SharePart> parts(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) parts[i].share = shares[i];
  if (shares.size() == 1) {
    SHARD_RETURN_IF_ERROR(
        PreparePart(*request.statement, *request.parameters, &parts.front()));
    return parts;
  }
  std::vector<ScatterPlace> places;
  for (Share* share : shares) {
    places.push_back(
        {&share->dialect(), share->connection().text_sorts_by_bytes()});
  }
  SHARD_ASSIGN_OR_RETURN(*plan, PlanScatter(select, places));
  LimitEach(options_.resolver->MostRows(request), &plan->per_shard);
  const sql::Statement scattered(plan->per_shard,
                                 request.statement->class_info());
  for (SharePart& part : parts) {
    const auto own =
        options_.resolver->StatementFor(request, part.share->bind());
    if (!own.has_value()) {
      SHARD_RETURN_IF_ERROR(PreparePart(scattered, *request.parameters, &part));
      continue;
    }
    // All values must have a use in the whole, though not here.
    SHARD_RETURN_IF_ERROR(PreparePart(scattered, *request.parameters, &part));
    sql::SelectStatement narrowed = plan->per_shard;
    narrowed.where = own->As<sql::SelectStatement>()->where;
    SHARD_RETURN_IF_ERROR(PreparePart(
        sql::Statement(std::move(narrowed), request.statement->class_info()),
        *request.parameters, &part, UnusedValues::kAllowed));
  }
  return parts;
}

absl::StatusOr<std::shared_ptr<RowStream>> SessionCore::RunSelect(
    const BindRequest& request, const std::vector<Share*>& shares) {
  ScatterPlan plan;
  SHARD_ASSIGN_OR_RETURN(const std::vector<SharePart> parts,
                         PlanSelect(request, shares, &plan));
  std::vector<std::shared_ptr<const CompiledStatement>> statements;
  std::vector<ShareCursor> cursors;
  for (const SharePart& part : parts) {
    SHARD_ASSIGN_OR_RETURN(
        auto cursor,
        part.share->OpenCursor({part.statement.get(), part.values, 1},
                               BatchRows(*part.share)));
    cursors.emplace_back(part.share, std::move(cursor));
    statements.push_back(part.statement);
  }
  std::vector<ResultColumn> columns = statements.front()->columns;
  columns.resize(plan.visible);
  auto stream = std::make_shared<MergedStream>(
      std::move(columns), std::move(statements), std::move(cursors),
      std::move(plan.keys), plan.offset, plan.limit);
  if (shares.size() > 1) {
    const auto most = options_.resolver->MostRows(request);
    if (most.has_value()) stream->LimitRows(*most, TooMany(request, *most));
  }
  SHARD_RETURN_IF_ERROR(stream->Prefetch());
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  streams_.push_back(stream);
  return stream;
}

absl::StatusOr<Result> SessionCore::RunBuffered(
    const BindRequest& request, const std::vector<Share*>& shares,
    bool same_rows) {
  std::vector<SharePart> parts(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    parts[i].share = shares[i];
    SHARD_RETURN_IF_ERROR(
        PreparePart(*request.statement, *request.parameters, &parts[i]));
    if (shares.size() == 1) continue;
    const auto own =
        options_.resolver->StatementFor(request, shares[i]->bind());
    if (!own.has_value()) continue;
    SHARD_RETURN_IF_ERROR(PreparePart(*own, *request.parameters, &parts[i],
                                      UnusedValues::kAllowed));
  }
  const absl::Status run =
      same_rows ? RunCopies(*TablesOf(*request.statement).front(), &parts)
                : RunParts(parts);
  NoteTextWrote(*request.statement, parts);
  SHARD_RETURN_IF_ERROR(run);
  return CollectParts(std::move(parts));
}

bool SessionCore::WritesEverywhere(const BindRequest& request,
                                   const BindArguments& bind) {
  return bind.engine == nullptr && !bind.shard.has_value() &&
         bind.shards.empty() && !request.statement->is_select() &&
         request.statement->As<sql::TextStatement>() == nullptr &&
         options_.resolver->WritesEverywhere(request);
}

absl::StatusOr<Result> SessionCore::RunEverywhere(const BindRequest& request) {
  SHARD_RETURN_IF_ERROR(CheckSameEverywhere(*request.statement));
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*> shares,
                         SharesFor(request, {}));
  SHARD_RETURN_IF_ERROR(ExpectToWrite(*request.statement, shares));
  return RunBuffered(request, shares, true);
}

// Each row goes where its shard key says, never to several shards.
absl::StatusOr<Result> SessionCore::RunInsert(
    const sql::InsertStatement& insert, const sql::Statement& statement,
    const sql::Parameters& parameters, const BindArguments& bind) {
  SHARD_RETURN_IF_ERROR(insert.error);
  BindRequest request = RequestFor(statement, parameters, bind);
  std::vector<std::pair<Share*, sql::InsertStatement>> placed;
  for (std::size_t row = 0; row < std::max<std::size_t>(1, insert.rows.size());
       ++row) {
    InsertRowReader reader(insert, row, parameters);
    request.object = &reader;
    absl::StatusOr<Bind> place = Resolve(request, bind);
    if (!place.ok()) {
      return insert.rows.size() < 2
                 ? place.status()
                 : Annotate(place.status(), absl::StrCat("row ", row + 1));
    }
    SHARD_ASSIGN_OR_RETURN(Share * share, transaction_.PlanShare(*place));
    auto known = std::find_if(placed.begin(), placed.end(), [&](auto& entry) {
      return entry.first == share;
    });
    if (known == placed.end()) {
      placed.emplace_back(share, insert);
      known = placed.end() - 1;
      known->second.rows.clear();
    }
    if (row < insert.rows.size()) {
      known->second.rows.push_back(insert.rows[row]);
    }
  }
  request.object = nullptr;
  std::vector<Share*> shares;
  for (const auto& entry : placed) shares.push_back(entry.first);
  SHARD_RETURN_IF_ERROR(transaction_.Open(shares));
  SHARD_RETURN_IF_ERROR(ExpectToWrite(statement, shares));
  if (placed.size() == 1) {
    return RunBuffered(request, {placed.front().first});
  }
  SHARD_RETURN_IF_ERROR(CheckScatters(ExpressionsOf(statement)));
  std::vector<SharePart> parts(placed.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    parts[i].share = placed[i].first;
    SHARD_ASSIGN_OR_RETURN(
        parts[i].statement,
        placed[i].first->dialect().Compile(std::move(placed[i].second)));
    SHARD_RETURN_IF_ERROR(BindParameters(*parts[i].statement, parameters,
                                         &parts[i].values,
                                         UnusedValues::kAllowed));
  }
  SHARD_RETURN_IF_ERROR(RunParts(parts));
  return CollectParts(std::move(parts));
}

absl::StatusOr<std::shared_ptr<RowStream>> SessionCore::OpenRows(
    const sql::Statement& select, const sql::Parameters& parameters,
    const BindArguments& bind, const ExecutionOptions& how) {
  SHARD_RETURN_IF_ERROR(Autoflush(how));
  const BindRequest request = RequestFor(select, parameters, bind, how);
  SHARD_ASSIGN_OR_RETURN(const std::vector<Share*> shares,
                         SharesFor(request, bind));
  return RunSelect(request, shares);
}

absl::StatusOr<ObjectReader> SessionCore::OpenObjects(
    const Mapping& mapping, const sql::Statement& select,
    const sql::Parameters& parameters, const BindArguments& bind,
    const ExecutionOptions& how) {
  SHARD_RETURN_IF_ERROR(mapping.status());
  SHARD_ASSIGN_OR_RETURN(RowLayout layout,
                         LayoutOf(mapping, *select.As<sql::SelectStatement>()));
  SHARD_ASSIGN_OR_RETURN(auto rows, OpenRows(select, parameters, bind, how));
  return ObjectReader(std::move(rows), &mapping, std::move(layout), &loader_);
}

absl::StatusOr<std::vector<std::shared_ptr<EntityBase>>>
SessionCore::LoadObjects(const Mapping& mapping,
                         const sql::Statement& statement,
                         const sql::Parameters& parameters,
                         const BindArguments& bind,
                         const ExecutionOptions& how) {
  SHARD_ASSIGN_OR_RETURN(
      ObjectReader reader,
      OpenObjects(mapping, statement, parameters, bind, how));
  std::vector<std::shared_ptr<EntityBase>> objects;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(std::shared_ptr<EntityBase> object, reader.Next());
    if (object == nullptr) return objects;
    objects.push_back(std::move(object));
  }
}

}  // namespace shard
