#include "shard/dialects/table_naming.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace shard {
namespace {

constexpr std::string_view kTable = "{table}";

}  // namespace

std::string TableNaming::NameOf(std::string_view table) const {
  std::string name = pattern;
  if (const std::size_t at = name.find(kTable); at != std::string::npos) {
    name.replace(at, kTable.size(), table);
  }
  return name;
}

absl::Status CheckTableNaming(const TableNaming& naming) {
  const std::size_t first = naming.pattern.find(kTable);
  if (first != std::string::npos && first == naming.pattern.rfind(kTable)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the pattern '", naming.pattern,
      "' for the names of tables must have \"{table}\" in it, once, where the "
      "declared name belongs"));
}

}  // namespace shard
