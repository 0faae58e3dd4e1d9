#include "shard/session/two_phase/gid.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

constexpr char kFormat[] = "shard1";
constexpr std::size_t kParts = 6;
constexpr std::size_t kLongest = 199;  // PostgreSQL refuses 200

bool IsHex32(const std::string& text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

bool IsNumber(const std::string& text) {
  std::uint64_t value = 0;
  return absl::SimpleAtoi(text, &value) && absl::StrCat(value) == text;
}

}  // namespace

std::string Gid::ToString() const {
  return absl::StrCat(kFormat, "/", cluster, "/", decider, "/", txn, "/",
                      number, "/", branch);
}

std::string Gid::Transaction() const {
  Gid whole = *this;
  whole.branch = 0;
  return whole.ToString();
}

absl::StatusOr<Gid> Gid::Parse(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), '/');
  Gid gid;
  if (text.size() <= kLongest && parts.size() == kParts &&
      parts[0] == kFormat && IsHex32(parts[2]) && IsHex32(parts[3]) &&
      IsNumber(parts[4]) && absl::SimpleAtoi(parts[5], &gid.branch)) {
    gid.cluster = parts[1];
    gid.decider = parts[2];
    gid.txn = parts[3];
    gid.number = parts[4];
    if (!gid.cluster.empty() && gid.ToString() == text) return gid;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(text),
                   "' is no name of a transaction of ShardSession; one "
                   "reads ",
                   kFormat, "/<cluster>/<identity>/<txn>/<number>/<branch>"));
}

std::string Gid::Prefix(std::string_view cluster) {
  return absl::StrCat(kFormat, "/", ToAbsl(cluster), "/");
}

}  // namespace shard
