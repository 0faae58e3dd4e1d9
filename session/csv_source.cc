#include "shard/session/csv_source.h"

#include <xxhash.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

// The names in a header.
class HeaderFields final : public CsvFields {
 public:
  void TakeField(std::optional<std::string_view> text) override {
    names.emplace_back(text.value_or(""));
  }
  std::vector<std::string> names;
};

absl::Status CheckOptions(const Mapping& mapping, const CsvOptions& options) {
  SHARD_RETURN_IF_ERROR(mapping.status());
  constexpr std::string_view kNoDelimiters("\"\r\n\0", 4);
  if (kNoDelimiters.find(options.delimiter) != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "CsvOptions::delimiter is a quote, the end of a line or nothing");
  }
  return absl::OkStatus();
}

// Tells apart files of one size. Reads the start of `file`, and goes back to
// it.
std::string HashOfStart(std::istream& file) {
  constexpr std::size_t kBytes = 4096;
  std::string start(kBytes, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  file.clear();
  file.seekg(0);
  return absl::StrFormat("%016x", XXH3_64bits(start.data(), start.size()));
}

absl::Status OtherText() {
  return absl::FailedPreconditionError(
      "no row begins at the position: it is of another text");
}

}  // namespace

CsvSource::CsvSource(const Mapping* mapping, std::unique_ptr<std::istream> file,
                     std::istream* text, CsvOptions options)
    : mapping_(*mapping),
      options_(std::move(options)),
      file_(std::move(file)),
      text_(file_ == nullptr ? *text : *file_),
      reader_(&text_, options_.delimiter),
      rows_(mapping, options_.null_text) {}

absl::StatusOr<std::unique_ptr<CsvSource>> CsvSource::Open(
    const Mapping* mapping, const std::string& path, CsvOptions options) {
  SHARD_RETURN_IF_ERROR(CheckOptions(*mapping, options));
  errno = 0;
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!file->is_open()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  auto source = std::unique_ptr<CsvSource>(
      new CsvSource(mapping, std::move(file), nullptr, std::move(options)));
  // A pipe has no size, and cannot be read twice.
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) {
    source->size_ = std::filesystem::file_size(path, error);
    if (error) source->size_.reset();
    source->hash_of_start_ = HashOfStart(source->text_);
  }
  absl::StatusOr<std::unique_ptr<CsvSource>> begun = Begin(std::move(source));
  return begun.ok() ? std::move(begun) : Annotate(begun.status(), path);
}

absl::StatusOr<std::unique_ptr<CsvSource>> CsvSource::Open(
    const Mapping* mapping, std::istream* text, CsvOptions options) {
  SHARD_RETURN_IF_ERROR(CheckOptions(*mapping, options));
  return Begin(std::unique_ptr<CsvSource>(
      new CsvSource(mapping, nullptr, text, std::move(options))));
}

absl::StatusOr<std::unique_ptr<CsvSource>> CsvSource::Begin(
    std::unique_ptr<CsvSource> source) {
  SHARD_ASSIGN_OR_RETURN(const std::vector<std::string> columns,
                         source->ReadColumns());
  SHARD_RETURN_IF_ERROR(source->rows_.SetColumns(columns));
  if (columns.size() == 1) source->reader_.TakeEmptyLines();
  source->first_row_ = {.bytes = source->reader_.bytes(),
                        .lines = source->reader_.lines()};
  source->position_ = source->first_row_;
  return source;
}

absl::StatusOr<std::vector<std::string>> CsvSource::ReadColumns() {
  HeaderFields header;
  if (options_.has_header) {
    SHARD_ASSIGN_OR_RETURN(const CsvReader::Found found,
                           reader_.ReadRecord(header));
    if (found == CsvReader::Found::kEnd) {
      return absl::InvalidArgumentError(
          "there is no text; its first line should name the columns");
    }
    if (found == CsvReader::Found::kBadRecord) {
      return absl::InvalidArgumentError(
          absl::StrCat("the header: ", reader_.problem()));
    }
  }
  if (!options_.columns.empty()) {
    if (options_.has_header && header.names.size() != options_.columns.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("CsvOptions::columns names ", options_.columns.size(),
                       " columns, and the header ", header.names.size()));
    }
    return options_.columns;
  }
  if (options_.has_header) return std::move(header.names);
  for (const MappedField& field : mapping_.fields()) {
    header.names.push_back(field.column->name());
  }
  return std::move(header.names);
}

void CsvSource::ClearBatch() {
  rows_.Clear();
  refused_.clear();
  lines_.clear();
}

absl::Status CsvSource::ReadBatch(std::size_t most) {
  ClearBatch();
  const std::uint64_t begin = reader_.bytes();
  while (lines_.size() < most && reader_.bytes() - begin < kMostBatchBytes &&
         ReadRow()) {
  }
  return lines_.empty() ? broken_ : absl::OkStatus();
}

// False: there is none, or broken_ says why it cannot be read.
bool CsvSource::ReadRow() {
  if (!broken_.ok()) return false;
  const absl::StatusOr<CsvReader::Found> found = reader_.ReadRecord(rows_);
  if (!found.ok()) {
    rows_.DropFields();
    broken_ = found.status();
    return false;
  }
  if (reader_.at_end() && !CheckSize()) return false;
  if (*found == CsvReader::Found::kEnd) {
    // Behind empty lines, too.
    position_.bytes = reader_.bytes();
    position_.lines = reader_.lines();
    return false;
  }
  const std::size_t place = lines_.size();
  lines_.push_back(reader_.record_line());
  if (*found == CsvReader::Found::kRecord) {
    absl::Status problem = rows_.FinishRow(place);
    if (!problem.ok()) refused_.push_back({place, std::move(problem)});
  } else {
    rows_.DropFields();
    refused_.push_back({place, absl::InvalidArgumentError(reader_.problem())});
  }
  ++position_.rows;
  position_.bytes = reader_.bytes();
  position_.lines = reader_.lines();
  return true;
}

// Of a file that was cut, the last record may be half a one: it is not taken.
bool CsvSource::CheckSize() {
  if (!size_.has_value() || reader_.bytes() == *size_) return true;
  rows_.DropFields();
  broken_ = absl::DataLossError(
      absl::StrCat("the file changed while it was read: it had ", *size_,
                   " bytes, and ends behind ", reader_.bytes()));
  return false;
}

std::string CsvSource::NameOf(std::size_t position_in_batch) const {
  return absl::StrCat("line ", lines_[position_in_batch]);
}

absl::Status CsvSource::Seek(const LoadPosition& position) {
  ClearBatch();
  const LoadPosition& to = position.rows == 0 ? first_row_ : position;
  if (to == position_ && broken_.ok()) return absl::OkStatus();
  if (to.bytes < first_row_.bytes || to.lines < first_row_.lines) {
    return OtherText();
  }
  return MoveTo(to);
}

// Steps over the byte in front of it, which shows whether a line ends there.
absl::Status CsvSource::MoveTo(const LoadPosition& to) {
  if (size_.has_value()) {
    if (to.bytes > *size_) {
      return absl::OutOfRangeError(absl::StrCat(
          "the file has ", *size_, " bytes, and the position is ", to.bytes));
    }
    const std::uint64_t before = to.bytes - (to.bytes > 0);
    text_.clear();
    text_.seekg(static_cast<std::streamoff>(before));
    if (text_.fail()) {
      return absl::DataLossError(
          absl::StrCat("the file cannot be read from byte ", before));
    }
    reader_.MoveTo(before);
    broken_ = absl::OkStatus();
  } else if (to.bytes < reader_.bytes()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the text can be read once only, and is at byte ",
                     reader_.bytes(), ", past ", to.bytes));
  }
  SHARD_RETURN_IF_ERROR(broken_);
  SHARD_ASSIGN_OR_RETURN(const bool line_ended,
                         reader_.SkipTo(to.bytes, to.lines));
  if (!line_ended) return OtherText();
  position_ = to;
  return absl::OkStatus();
}

std::string CsvSource::Fingerprint() const {
  std::string result = absl::StrCat("CSV of ", mapping_.table().name(), " (");
  const char* comma = "";
  for (const std::uint16_t column : rows_.columns()) {
    absl::StrAppend(&result, comma, mapping_.field(column).column->name());
    comma = ", ";
  }
  absl::StrAppend(&result, ")");
  if (!options_.has_header) absl::StrAppend(&result, " without a header");
  if (options_.delimiter != ',') {
    absl::StrAppend(&result, ", delimiter '",
                    absl::CHexEscape(std::string(1, options_.delimiter)), "'");
  }
  if (!options_.null_text.empty()) {
    absl::StrAppend(&result, ", NULL is '",
                    absl::CHexEscape(options_.null_text), "'");
  }
  if (size_.has_value()) {
    absl::StrAppend(&result, ", ", *size_, " bytes, hash of the start ",
                    hash_of_start_);
  }
  return result;
}

}  // namespace shard
