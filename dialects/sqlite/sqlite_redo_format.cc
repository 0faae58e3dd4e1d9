#include "shard/dialects/sqlite/sqlite_redo_format.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

constexpr std::string_view kMagic = "SRDO";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSequenceBytes = 8;

absl::Status Broken() {
  return absl::DataLossError(
      "the bytes are no redo of a SQLite file; the decision row that holds "
      "them is broken");
}

void AppendNumber(std::uint64_t number, std::string* out) {
  while (number >= 0x80) {
    *out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  *out += static_cast<char>(number);
}

void AppendString(std::string_view text, std::string* out) {
  AppendNumber(text.size(), out);
  out->append(text);
}

void AppendFixed(std::int64_t value, std::string* out) {
  auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < kSequenceBytes; ++i, bits >>= 8) {
    *out += static_cast<char>(bits);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view rest() const { return rest_; }

  absl::StatusOr<std::string_view> Bytes(std::uint64_t count) {
    if (count > rest_.size()) return Broken();
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  absl::StatusOr<std::uint64_t> Number() {
    std::uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      SHARD_ASSIGN_OR_RETURN(const std::string_view byte, Bytes(1));
      const auto bits = static_cast<std::uint8_t>(byte.front());
      number |= static_cast<std::uint64_t>(bits & 0x7f) << shift;
      if (bits < 0x80) return number;
    }
    return Broken();
  }
  // Of things that take a byte each at least.
  absl::StatusOr<std::uint64_t> Count() {
    SHARD_ASSIGN_OR_RETURN(const std::uint64_t count, Number());
    if (count > rest_.size()) return Broken();
    return count;
  }
  absl::StatusOr<std::string> String() {
    SHARD_ASSIGN_OR_RETURN(const std::uint64_t count, Number());
    SHARD_ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(count));
    return std::string(bytes);
  }
  absl::StatusOr<std::int64_t> Fixed() {
    SHARD_ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(kSequenceBytes));
    std::uint64_t bits = 0;
    for (std::size_t i = kSequenceBytes; i-- > 0;) {
      bits = bits << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    return static_cast<std::int64_t>(bits);
  }

 private:
  std::string_view rest_;
};

absl::StatusOr<SqliteRedo::Table> ReadTable(Reader& reader) {
  SqliteRedo::Table table;
  SHARD_ASSIGN_OR_RETURN(table.name, reader.String());
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t columns, reader.Count());
  for (std::uint64_t i = 0; i < columns; ++i) {
    SqliteRedo::Column column;
    SHARD_ASSIGN_OR_RETURN(const std::string_view key, reader.Bytes(1));
    column.key = key.front() != 0;
    SHARD_ASSIGN_OR_RETURN(column.name, reader.String());
    table.columns.push_back(std::move(column));
  }
  return table;
}

absl::StatusOr<SqliteRedo::Sequence> ReadSequence(Reader& reader) {
  SqliteRedo::Sequence sequence;
  SHARD_ASSIGN_OR_RETURN(sequence.table, reader.String());
  SHARD_ASSIGN_OR_RETURN(sequence.value, reader.Fixed());
  return sequence;
}

}  // namespace

absl::StatusOr<SqliteRedo> ParseSqliteRedo(std::string_view bytes) {
  Reader reader(bytes);
  SHARD_ASSIGN_OR_RETURN(const std::string_view magic,
                         reader.Bytes(kMagic.size()));
  if (magic != kMagic) return Broken();
  SHARD_ASSIGN_OR_RETURN(const std::string_view version, reader.Bytes(1));
  if (static_cast<std::uint8_t>(version.front()) != kVersion) {
    return absl::UnimplementedError(absl::StrCat(
        "the redo has format ", static_cast<std::uint8_t>(version.front()),
        ", and this release reads format ", kVersion,
        "; use the release that wrote it"));
  }
  SqliteRedo redo;
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t tables, reader.Count());
  for (std::uint64_t i = 0; i < tables; ++i) {
    SHARD_ASSIGN_OR_RETURN(redo.tables.emplace_back(), ReadTable(reader));
  }
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t sequences, reader.Count());
  for (std::uint64_t i = 0; i < sequences; ++i) {
    SHARD_ASSIGN_OR_RETURN(redo.sequences.emplace_back(), ReadSequence(reader));
  }
  redo.changeset = reader.rest();
  return redo;
}

std::string FormatRedoTable(const SqliteRedo::Table& table) {
  std::string bytes;
  AppendString(table.name, &bytes);
  AppendNumber(table.columns.size(), &bytes);
  for (const SqliteRedo::Column& column : table.columns) {
    bytes += static_cast<char>(column.key);
    AppendString(column.name, &bytes);
  }
  return bytes;
}

std::string FormatRedoHead(const std::vector<std::string_view>& tables,
                           const std::vector<SqliteRedo::Sequence>& sequences) {
  std::string bytes(kMagic);
  bytes += static_cast<char>(kVersion);
  AppendNumber(tables.size(), &bytes);
  for (const std::string_view table : tables) bytes.append(table);
  AppendNumber(sequences.size(), &bytes);
  for (const SqliteRedo::Sequence& sequence : sequences) {
    AppendString(sequence.table, &bytes);
    AppendFixed(sequence.value, &bytes);
  }
  return bytes;
}

}  // namespace shard
