#include "shard/tests/support/folder_contents.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace shard::testing {

bool IsSharedMemory(std::string_view file_name) {
  return absl::EndsWith({file_name.data(), file_name.size()}, "-shm");
}

std::optional<std::string> ReadFileContents(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return std::nullopt;
  std::string contents(static_cast<std::size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(contents.data(), static_cast<std::streamsize>(contents.size()));
  // It may have become shorter since.
  contents.resize(static_cast<std::size_t>(file.gcount()));
  return contents;
}

FolderContents ReadFolder(const std::string& folder) {
  FolderContents contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (IsSharedMemory(name)) continue;
    auto bytes = ReadFileContents(entry.path().string());
    if (bytes.has_value()) contents[name] = *std::move(bytes);
  }
  return contents;
}

void ReplaceFolder(const std::string& folder, const FolderContents& contents) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const auto& [name, bytes] : contents) {
    const std::string path = absl::StrCat(folder, "/", name);
    std::ofstream file(path, std::ios::binary);
    file << bytes << std::flush;
    if (!file) throw std::runtime_error(absl::StrCat("cannot write ", path));
  }
}

}  // namespace shard::testing
