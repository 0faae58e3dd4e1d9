// CSV text as a source of rows.
#ifndef SHARD_SESSION_CSV_SOURCE_H_
#define SHARD_SESSION_CSV_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/session/bulk_report.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/csv_reader.h"
#include "shard/session/csv_rows.h"
#include "shard/session/load_source.h"
#include "shard/session/mapping.h"

namespace shard {

struct CsvOptions {
  char delimiter = ',';
  // What stands for NULL. Empty: a field without quotes ("" is the empty text
  // then). Else quotes make no difference, and an empty field is empty text.
  std::string null_text{};
  bool has_header = true;  // the first record names the columns
  // The columns, one for each field, instead of the header's, which is passed
  // over. Empty and no header: all columns in the order of the table.
  std::vector<std::string> columns{};
};

// Rows of CSV text (RFC 4180: CsvReader says what it takes), whose fields
// ParseValue makes values. Holds one batch, which ends early behind
// kMostBatchBytes of text; its values live until the next one.
// Columns that are not named are left to their defaults, as in BulkInsert.
//
// Refused rows: another number of fields than the header has, a field that is
// no value of its column, a quote that stands where none can. A stray quote may
// take the lines behind it with it, up to the next quote that cannot stand
// where it does: the reason says which lines were left out. One that is never
// closed ends the load with an error, behind the rows in front of it: what
// follows might be anything.
class CsvSource final : public LoadSource {
 public:
  static constexpr std::uint64_t kMostBatchBytes = std::uint64_t{16} << 20;

  // Reads the header, in which every column must be one of `mapping` and stand
  // once: kInvalidArgument else, as for options that cannot be, and for a text
  // without the header. kNotFound and the like where the file cannot be opened.
  // `mapping` must outlive the source.
  static absl::StatusOr<std::unique_ptr<CsvSource>> Open(
      const Mapping* mapping, const std::string& path, CsvOptions options = {});
  // The same, from where `text` stands. Such text is taken to come from a pipe:
  // Seek goes forward only. `text` must outlive the source.
  static absl::StatusOr<std::unique_ptr<CsvSource>> Open(
      const Mapping* mapping, std::istream* text, CsvOptions options = {});

  const Mapping& mapping() const override { return mapping_; }
  std::uint64_t given() const override { return rows_.given(); }
  // Errors: as CsvReader::ReadRecord has them, and kDataLoss for a file that
  // has not the size any more that it had when it was opened. The rows in front
  // of such a place are read first, and the error comes with the batch behind
  // them.
  absl::Status ReadBatch(std::size_t most) override;
  BulkRows& rows() override { return rows_; }
  const std::vector<RefusedRow>& refused() const override { return refused_; }
  std::size_t batch_size() const override { return lines_.size(); }
  LoadPosition position() const override { return position_; }
  // The line that the row begins in.
  std::string NameOf(std::size_t position_in_batch) const override;
  // Position {} is the first row's. kFailedPrecondition also where no row
  // begins at `position`: that was another text.
  absl::Status Seek(const LoadPosition& position) override;
  // Of a file.
  std::optional<std::uint64_t> total_bytes() const override { return size_; }
  // Of a file also its size, and a hash of what it starts with.
  std::string Fingerprint() const override;

 private:
  CsvSource(const Mapping* mapping, std::unique_ptr<std::istream> file,
            std::istream* text, CsvOptions options);
  static absl::StatusOr<std::unique_ptr<CsvSource>> Begin(
      std::unique_ptr<CsvSource> source);
  absl::StatusOr<std::vector<std::string>> ReadColumns();
  void ClearBatch();
  bool ReadRow();
  bool CheckSize();
  absl::Status MoveTo(const LoadPosition& position);

  const Mapping& mapping_;
  const CsvOptions options_;
  const std::unique_ptr<std::istream> file_;  // if it is ours
  std::istream& text_;
  std::optional<std::uint64_t> size_;
  std::string hash_of_start_;  // of a file that has a size
  CsvReader reader_;
  CsvRows rows_;
  std::vector<RefusedRow> refused_;
  std::vector<std::uint64_t> lines_;  // that each row of the batch begins in
  LoadPosition position_;
  LoadPosition first_row_;
  absl::Status broken_;  // why no more can be read
};

}  // namespace shard

#endif  // SHARD_SESSION_CSV_SOURCE_H_
