// What the connections to both kinds of simulated databases have in common.
#ifndef SHARD_TESTS_SIMULATION_SIMULATED_CONNECTION_H_
#define SHARD_TESTS_SIMULATION_SIMULATED_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/tests/dialects/plain_dialect.h"

namespace shard::testing {

// A transaction's work on a database is one thing: its tag, added to what is
// there. So a share that is missing shows as a tag that is not there, and one
// that came twice as a tag that is there twice.
class SimulatedConnection : public Connection, public Participant {
 public:
  const Dialect& dialect() const override { return PlainDialect::Get(); }
  // Not in FanOut's own threads: the world has but one.
  bool works_in_finish() const override { return false; }
  bool text_sorts_by_bytes() const override { return true; }
  Participant& participant() override { return *this; }

  // The one statement: "write <tag> <row>", where the row is what it locks, in
  // a database that locks rows.
  absl::Status Start(const Request& request) override;
  absl::StatusOr<Outcome> Finish(RowBatch* rows) override;
  absl::Status StartInsert(const InsertRequest&) override { return NoSql(); }
  absl::StatusOr<Outcome> FinishInsert() override { return NoSql(); }
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(const Request&,
                                                     std::size_t) override {
    return NoSql();
  }
  absl::StatusOr<std::vector<Finding>> Inspect() override {
    return std::vector<Finding>();
  }

 protected:
  virtual absl::Status StartWrite(int tag, int row) = 0;
  virtual absl::Status FinishWrite() = 0;
  static absl::Status NoSql() {
    return absl::UnimplementedError("a simulated database knows no SQL");
  }
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_SIMULATED_CONNECTION_H_
