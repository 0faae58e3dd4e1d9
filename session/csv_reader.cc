#include "shard/session/csv_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::size_t kFieldBytes = 16 * 1024;  // without growing
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr char kStrayQuote[] =
    "a quote stands where none can; put the field into quotes, and write those "
    "inside it twice";
constexpr char kStrayReturn[] =
    "a carriage return inside a line; put the field into quotes";

int IsNoBlank(unsigned char) { return 0; }

bool IsEmptyLine(std::string_view line) {
  return line == "\n" || line == "\r\n" || line == "\r";
}

}  // namespace

CsvReader::CsvReader(std::istream* input, char delimiter)
    : input_(*input),
      delimiter_(delimiter),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {
  csv_init(&parser_, 0);
  ResetParser();
}

CsvReader::~CsvReader() { csv_free(&parser_); }

void CsvReader::ResetParser() {
  csv_free(&parser_);
  csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL);
  csv_set_delim(&parser_, static_cast<unsigned char>(delimiter_));
  csv_set_space_func(&parser_, &IsNoBlank);
  csv_set_blk_size(&parser_, kFieldBytes);
}

void CsvReader::OnField(void* text, std::size_t size, void* reader) {
  auto& self = *static_cast<CsvReader*>(reader);
  if (self.record_ended_) {
    self.goes_on_ = true;
  } else if (text == nullptr) {
    self.fields_->TakeField(std::nullopt);
  } else {
    self.fields_->TakeField(
        std::string_view(static_cast<const char*>(text), size));
  }
}

void CsvReader::OnRecord(int, void* reader) {
  static_cast<CsvReader*>(reader)->record_ended_ = true;
}

absl::Status CsvReader::Refill() {
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const std::size_t room = kBufferBytes - end_;
  input_.read(buffer_.get() + end_, static_cast<std::streamsize>(room));
  const auto count = static_cast<std::size_t>(input_.gcount());
  end_ += count;
  if (input_.bad()) {
    return absl::DataLossError(
        absl::StrCat("reading failed behind byte ", bytes_ + end_));
  }
  input_ended_ = count < room;
  return absl::OkStatus();
}

// The rest of a line with its end, or as much of it as the buffer holds. Line
// by line: the parser does not say where in its input a record ended.
absl::StatusOr<std::string_view> CsvReader::NextChunk() {
  const void* newline =
      std::memchr(buffer_.get() + begin_, '\n', end_ - begin_);
  if (newline == nullptr && !input_ended_) {
    SHARD_RETURN_IF_ERROR(Refill());
    newline = std::memchr(buffer_.get(), '\n', end_);
  }
  const char* const begin = buffer_.get() + begin_;
  const std::size_t size =
      newline == nullptr ? end_ - begin_
                         : static_cast<std::size_t>(
                               static_cast<const char*>(newline) - begin) +
                               1;
  begin_ += size;
  bytes_ += size;
  return std::string_view(begin, size);
}

absl::StatusOr<CsvReader::Found> CsvReader::ReadRecord(CsvFields& fields) {
  if (bytes_ == 0) SHARD_RETURN_IF_ERROR(SkipByteOrderMark());
  fields_ = &fields;
  record_ended_ = goes_on_ = false;
  std::uint64_t size = 0;
  for (;;) {
    SHARD_ASSIGN_OR_RETURN(const std::string_view chunk, NextChunk());
    if (chunk.empty()) return size == 0 ? Found::kEnd : Finish();
    const bool line_ended = chunk.back() == '\n';
    if (size == 0) record_line_ = lines_ + 1;
    lines_ += line_ended;
    if (size == 0 && IsEmptyLine(chunk)) {
      if (!takes_empty_lines_) continue;
      fields.TakeField(std::nullopt);
      return Found::kRecord;
    }
    size += chunk.size();
    const std::size_t parsed = csv_parse(&parser_, chunk.data(), chunk.size(),
                                         &OnField, &OnRecord, this);
    if (parsed < chunk.size()) {
      if (csv_error(&parser_) != CSV_EPARSE) {
        return absl::ResourceExhaustedError("no memory for a field");
      }
      return FinishBadRecord(line_ended, kStrayQuote);
    }
    if (line_ended && record_ended_) {
      // pstate 0: it is between two records.
      if (!goes_on_ && parser_.pstate == 0) return Found::kRecord;
      return FinishBadRecord(line_ended, kStrayReturn);
    }
    if (size > kMostRecordBytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", record_line_, ": the record that begins here has more than ",
          kMostRecordBytes, " bytes; is a quote not closed?"));
    }
    // It grows by that much each time: a long field would take long.
    csv_set_blk_size(&parser_,
                     std::max(kFieldBytes, csv_get_buffer_size(&parser_)));
  }
}

// Text that ends without a newline.
absl::StatusOr<CsvReader::Found> CsvReader::Finish() {
  if (csv_fini(&parser_, &OnField, &OnRecord, this) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", record_line_,
                     ": a quote of the record that begins here is "
                     "never closed"));
  }
  ++lines_;
  return goes_on_ ? FinishBadRecord(true, kStrayReturn) : Found::kRecord;
}

// What comes behind a bad record begins with the next line.
absl::StatusOr<CsvReader::Found> CsvReader::FinishBadRecord(
    bool line_ended, const char* problem) {
  while (!line_ended) {
    SHARD_ASSIGN_OR_RETURN(const std::string_view chunk, NextChunk());
    line_ended = chunk.empty() || chunk.back() == '\n';
    lines_ += line_ended;
  }
  ResetParser();
  problem_ = problem;
  if (lines_ > record_line_) {
    absl::StrAppend(&problem_, "; lines ", record_line_, " to ", lines_,
                    " were left out");
  }
  return Found::kBadRecord;
}

absl::Status CsvReader::SkipByteOrderMark() {
  if (begin_ != end_) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(Refill());
  if (std::string_view(buffer_.get(), end_).starts_with(kByteOrderMark)) {
    begin_ = bytes_ = kByteOrderMark.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::SkipTo(std::uint64_t bytes,
                                       std::uint64_t lines) {
  char last = '\n';
  while (bytes_ < bytes) {
    if (begin_ == end_ && !input_ended_) SHARD_RETURN_IF_ERROR(Refill());
    if (begin_ == end_) {
      return absl::OutOfRangeError(absl::StrCat(
          "the text has ", bytes_, " bytes, and the position is ", bytes));
    }
    const auto step = static_cast<std::size_t>(
        std::min<std::uint64_t>(bytes - bytes_, end_ - begin_));
    begin_ += step;
    bytes_ += step;
    last = buffer_[begin_ - 1];
  }
  lines_ = lines;
  if (last == '\n') return true;
  if (begin_ == end_ && !input_ended_) SHARD_RETURN_IF_ERROR(Refill());
  return begin_ == end_;
}

void CsvReader::MoveTo(std::uint64_t bytes) {
  ResetParser();
  begin_ = end_ = 0;
  input_ended_ = false;
  bytes_ = bytes;
}

}  // namespace shard
