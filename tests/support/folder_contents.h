// The files of a folder as one value.
#ifndef SHARD_TESTS_SUPPORT_FOLDER_CONTENTS_H_
#define SHARD_TESTS_SUPPORT_FOLDER_CONTENTS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace shard::testing {

// Bytes by file name. Without folders below it, and without SQLite's shared
// memory: no file of it outlives its processes.
using FolderContents = std::map<std::string, std::string>;

bool IsSharedMemory(std::string_view file_name);

// Nothing where it cannot be read, or has just been removed. Beware of files
// that SQLite has open in this process: whoever opens and closes such a file
// ends SQLite's locks on it.
std::optional<std::string> ReadFileContents(const std::string& path);
FolderContents ReadFolder(const std::string& folder);

// Removes all that is there first; nobody may have it open. Throws
// std::runtime_error when that fails.
void ReplaceFolder(const std::string& folder, const FolderContents& contents);

}  // namespace shard::testing

#endif  // SHARD_TESTS_SUPPORT_FOLDER_CONTENTS_H_
