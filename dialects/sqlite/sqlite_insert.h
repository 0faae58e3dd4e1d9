// Inserting many rows of equal shape.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_INSERT_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_INSERT_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// Runs InsertRequests as multi-row INSERTs: up to kChunkRows rows are one
// statement. Rows get explicit keys, numbered from above the greatest there is:
// RETURNING takes 2.6 times as long, and promises no order. Not thread-safe.
class SqliteInserter {
 public:
  // More rows a statement gain little speed and take long to prepare.
  static constexpr std::size_t kChunkRows = 64;

  explicit SqliteInserter(SqliteDatabase* database) : database_(*database) {}

  // Refuses what is wrong with the request itself, before any SQL.
  absl::Status Check(const InsertRequest& request) const;
  // All rows or, unless a transaction was open before, none.
  absl::StatusOr<Outcome> Run(const InsertRequest& request);

 private:
  // The texts for rows of one shape.
  struct Plan {
    std::string declared;              // the table's name
    const Dialect* names = nullptr;    // as the request has it
    std::string table;                 // its name in the file
    std::vector<std::string> columns;  // the generated key first, if there is
    bool has_generated_key = false;
    std::size_t chunk_rows = 0;
    std::string insert;           // of chunk_rows rows
    std::size_t head_bytes = 0;   // of what stands before the first row
    std::size_t row_bytes = 0;    // of a row's placeholders and comma
    std::string take_write_lock;  // with a generated key: see ReserveKeys
    std::string greatest_key;     // likewise

    // The text for fewer rows is the beginning of the text for more.
    std::string_view InsertText(std::size_t rows) const {
      return std::string_view(insert).substr(
          0, head_bytes + rows * row_bytes - (row_bytes > 0 ? 1 : 0));
    }
    bool Fits(const InsertRequest& request) const;
  };
  static constexpr std::size_t kMostPlans = 64;

  absl::StatusOr<const Plan*> PlanFor(const InsertRequest& request);
  absl::StatusOr<Plan> MakePlan(const InsertRequest& request) const;
  absl::Status RunInTransaction(const Plan& plan, const InsertRequest& request,
                                Outcome* outcome);
  absl::Status RunRows(const Plan& plan, const InsertRequest& request,
                       Outcome* outcome);
  // The first of `request.rows` consecutive keys that nobody has.
  absl::StatusOr<std::int64_t> ReserveKeys(const Plan& plan,
                                           const InsertRequest& request);
  absl::StatusOr<std::int64_t> GreatestKeyInTable(const Plan& plan);
  // Zero unless the table is AUTOINCREMENT.
  absl::StatusOr<std::int64_t> GreatestKeyEver(const Plan& plan);
  absl::Status InsertChunk(const Plan& plan, const InsertRequest& request,
                           std::size_t first, std::size_t rows,
                           Outcome* outcome);

  SqliteDatabase& database_;
  std::list<Plan> plans_;  // used last in front
  sql::ByteArena scratch_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_INSERT_H_
