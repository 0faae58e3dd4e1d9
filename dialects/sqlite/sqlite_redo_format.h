// The bytes of a redo, kept in decision rows and read by later releases.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_REDO_FORMAT_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_REDO_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shard {

// A redo is, one behind the other,
//
//   bytes     "SRDO", then the version of this format, one byte: 1
//   number    of tables, and for each of them
//     string    its name
//     number    of its columns, and for each of them
//       byte      1 when it is part of the primary key, else 0
//       string    its name
//   number    of sequences, and for each of them
//     string    name of an AUTOINCREMENT table, changed or not
//     8 bytes   the greatest number it has given, two's complement, the lowest
//               byte first
//   bytes     a changeset in the format of SQLite's session extension, on no
//             other tables than those above
//   8 bytes   the seal: XXH3 (64 bits, seed 0) of all bytes before it, the
//             lowest byte first. SQLite reads on for ever in some changesets
//             that were cut off.
//
// A number has seven bits in a byte, the lowest first, and the eighth bit set
// in all bytes but the last. A string is a number of bytes, and the bytes.
struct SqliteRedo {
  struct Column {
    std::string name;
    bool key = false;
    friend bool operator==(const Column&, const Column&) = default;
  };
  struct Table {
    std::string name;
    std::vector<Column> columns;
  };
  struct Sequence {
    std::string table;
    std::int64_t value = 0;
  };

  std::vector<Table> tables;
  std::vector<Sequence> sequences;
  std::string_view changeset;  // points into what was parsed
};

// kDataLoss for bytes that are no redo, or not whole; kUnimplemented for a
// later version.
absl::StatusOr<SqliteRedo> ParseSqliteRedo(std::string_view bytes);

// The bytes of one table.
std::string FormatRedoTable(const SqliteRedo::Table& table);
// All that stands before the changeset. `tables`: as from FormatRedoTable.
std::string FormatRedoHead(const std::vector<std::string_view>& tables,
                           const std::vector<SqliteRedo::Sequence>& sequences);
inline constexpr std::size_t kRedoSealBytes = 8;
// Ends it, behind the changeset.
void SealRedo(std::string* redo);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_REDO_FORMAT_H_
