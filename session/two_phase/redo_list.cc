#include "shard/session/two_phase/redo_list.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard {
namespace {

constexpr std::string_view kFormat = "shard-redo 1\n";
constexpr std::size_t kIdentity = 32;
constexpr std::size_t kLength = 8;

void AppendLength(std::uint64_t length, std::string* out) {
  for (std::size_t i = 0; i < kLength; ++i) {
    out->push_back(static_cast<char>(length >> (8 * i) & 0xff));
  }
}

std::uint64_t ReadLength(std::string_view bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    length |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return length;
}

absl::Status Unreadable() {
  return absl::DataLossError(
      "the redo of a decision row cannot be read: it is cut off, or of a later "
      "release");
}

}  // namespace

std::string EncodeRedoList(const std::vector<RedoEntry>& entries) {
  std::string list;
  if (entries.empty()) return list;
  std::size_t size = kFormat.size();
  for (const RedoEntry& entry : entries) {
    size += kIdentity + kLength + entry.redo.size();
  }
  list.reserve(size);
  list.append(kFormat);
  for (const RedoEntry& entry : entries) {
    list.append(entry.identity);
    AppendLength(entry.redo.size(), &list);
    list.append(entry.redo);
  }
  return list;
}

absl::StatusOr<std::optional<std::string>> FindRedo(std::string_view list,
                                                    std::string_view identity) {
  if (list.empty()) return std::nullopt;
  if (list.substr(0, kFormat.size()) != kFormat) return Unreadable();
  list.remove_prefix(kFormat.size());
  while (!list.empty()) {
    if (list.size() < kIdentity + kLength) return Unreadable();
    const std::string_view found = list.substr(0, kIdentity);
    const std::uint64_t length = ReadLength(list.substr(kIdentity, kLength));
    list.remove_prefix(kIdentity + kLength);
    if (list.size() < length) return Unreadable();
    if (found == identity) return std::string(list.substr(0, length));
    list.remove_prefix(length);
  }
  return std::nullopt;
}

}  // namespace shard
