#include "shard/dialects/sqlite/sqlite_redo_format.h"

#include <xxhash.h>

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
constexpr std::size_t kFixedBytes = 8;

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

void AppendFixed(std::uint64_t bits, std::string* out) {
  for (std::size_t i = 0; i < kFixedBytes; ++i, bits >>= 8) {
    *out += static_cast<char>(bits);
  }
}

std::uint64_t Seal(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
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
  absl::StatusOr<std::uint64_t> Fixed() {
    SHARD_ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(kFixedBytes));
    std::uint64_t bits = 0;
    for (std::size_t i = kFixedBytes; i-- > 0;) {
      bits = bits << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    return bits;
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
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t bits, reader.Fixed());
  sequence.value = static_cast<std::int64_t>(bits);
  return sequence;
}

absl::Status CheckSeal(std::string_view bytes) {
  const std::size_t sealed = bytes.size() - kRedoSealBytes;
  SHARD_ASSIGN_OR_RETURN(const std::uint64_t seal,
                         Reader(bytes.substr(sealed)).Fixed());
  return seal == Seal(bytes.substr(0, sealed)) ? absl::OkStatus() : Broken();
}

}  // namespace

absl::StatusOr<SqliteRedo> ParseSqliteRedo(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + 1 + kRedoSealBytes) return Broken();
  Reader reader(bytes.substr(0, bytes.size() - kRedoSealBytes));
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
  SHARD_RETURN_IF_ERROR(CheckSeal(bytes));
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
    AppendFixed(static_cast<std::uint64_t>(sequence.value), &bytes);
  }
  return bytes;
}

void SealRedo(std::string* redo) { AppendFixed(Seal(*redo), redo); }

}  // namespace shard
