// Rows that come one after the other, in more than fit into memory.
#ifndef SHARD_SESSION_LOAD_SOURCE_H_
#define SHARD_SESSION_LOAD_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/session/bulk_report.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/mapping.h"

namespace shard {

// Between two rows of a source. Plain value.
struct LoadPosition {
  std::uint64_t rows = 0;   // that were read before it, refused ones too
  std::uint64_t bytes = 0;  // where there are bytes: from the source's start
  std::uint64_t lines = 0;  // where there are lines: that end before it

  friend bool operator==(const LoadPosition&, const LoadPosition&) = default;
};

// Rows of one class, read batch by batch: see Load. Used by one thread at a
// time.
class LoadSource {
 public:
  virtual ~LoadSource() = default;

  virtual const Mapping& mapping() const = 0;
  // The fields (bit i: field i) that its rows may give; no row gives others.
  virtual std::uint64_t given() const { return ~std::uint64_t{0}; }

  // Reads the next rows, `most` at most, in place of those before; 0 rows that
  // are fit and none refused: there are no more. Rows that cannot be read are
  // left out, and stand in refused(). An error: the source itself cannot be
  // read on.
  virtual absl::Status ReadBatch(std::size_t most) = 0;
  // What was read, until the next ReadBatch or Seek. BulkRows::position counts
  // from the first row of the batch, refused ones too.
  virtual BulkRows& rows() = 0;
  // Positions count likewise. Reasons do not say where: NameOf does.
  virtual const std::vector<RefusedRow>& refused() const = 0;
  // How many rows the batch took from the source: rows() and refused().
  virtual std::size_t batch_size() const = 0;
  // Behind the batch.
  virtual LoadPosition position() const = 0;

  // "line 12" or "row 7": where a row of the batch, counted as in
  // BulkRows::position, stands in the source.
  virtual std::string NameOf(std::size_t position_in_batch) const = 0;

  // Goes to a position that it was at before, perhaps in another process.
  // kOutOfRange: the source ends before; kFailedPrecondition: it can be read
  // once only, and is past it.
  virtual absl::Status Seek(const LoadPosition& position) = 0;

  // How much there is in all, where that is known beforehand.
  virtual std::optional<std::uint64_t> total_rows() const { return {}; }
  virtual std::optional<std::uint64_t> total_bytes() const { return {}; }
  // Tells sources apart, so that a load is not resumed from another one: the
  // class or table, names of columns, size of the file.
  virtual std::string Fingerprint() const = 0;
};

}  // namespace shard

#endif  // SHARD_SESSION_LOAD_SOURCE_H_
