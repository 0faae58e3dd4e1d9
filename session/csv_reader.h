// The records of CSV text (RFC 4180), one after the other, by libcsv.
#ifndef SHARD_SESSION_CSV_READER_H_
#define SHARD_SESSION_CSV_READER_H_

#include <csv.h>

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard {

// Takes the fields of records.
class CsvFields {
 public:
  virtual ~CsvFields() = default;
  // The text lives until this returns. None: nothing stood there, not even
  // quotes.
  virtual void TakeField(std::optional<std::string_view> text) = 0;
};

// Lines end in LF or CRLF, the last one also without; a byte order mark in
// front is left out. Blanks are part of their field. Holds a block of the text
// and the field at hand; not thread-safe.
class CsvReader {
 public:
  // Larger records are not read: they are what a missing quote looks like.
  static constexpr std::uint64_t kMostRecordBytes = std::uint64_t{64} << 20;

  // Reads from where `input` stands, which must outlive this.
  CsvReader(std::istream* input, char delimiter);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  enum class Found : std::uint8_t { kRecord, kBadRecord, kEnd };
  // Of kBadRecord some fields were taken, and problem() says what is bad; it
  // ends with the line that shows it; several lines are named as left out,
  // since there may be whole records in them. Otherwise nothing can be read any
  // more: kInvalidArgument for a quote that is never closed, kDataLoss where
  // `input` fails.
  absl::StatusOr<Found> ReadRecord(CsvFields& fields);
  const std::string& problem() const { return problem_; }

  // Of records of one field, an empty line is one; of others it is nothing.
  void TakeEmptyLines() { takes_empty_lines_ = true; }

  // Of what was read: where it ends, and the lines that end before that.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t lines() const { return lines_; }
  // Whether that is known to be all of the text: with kEnd at the latest, and
  // with a last record that no newline ends.
  bool at_end() const { return input_ended_ && begin_ == end_; }
  // The line that the last record began in, from 1.
  std::uint64_t record_line() const { return record_line_; }

  // Passes over the text up to a position, and says whether a line ends there.
  // kOutOfRange: the text ends before.
  absl::StatusOr<bool> SkipTo(std::uint64_t bytes, std::uint64_t lines);
  // From now on reads from where `input` was moved to; SkipTo says the line.
  void MoveTo(std::uint64_t bytes);

 private:
  absl::StatusOr<std::string_view> NextChunk();
  absl::Status Refill();
  absl::StatusOr<Found> Finish();
  absl::StatusOr<Found> FinishBadRecord(bool line_ended, const char* problem);
  absl::Status SkipByteOrderMark();
  void ResetParser();
  static void OnField(void* text, std::size_t size, void* reader);
  static void OnRecord(int end, void* reader);

  std::istream& input_;
  const char delimiter_;
  csv_parser parser_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of it is not yet parsed
  bool input_ended_ = false;
  bool takes_empty_lines_ = false;
  std::uint64_t bytes_ = 0, lines_ = 0, record_line_ = 0;
  std::string problem_;
  // Of the record at hand:
  CsvFields* fields_ = nullptr;
  bool record_ended_ = false;
  bool goes_on_ = false;  // behind its end, in the same line
};

}  // namespace shard

#endif  // SHARD_SESSION_CSV_READER_H_
