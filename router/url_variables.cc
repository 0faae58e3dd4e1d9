#include "shard/router/url_variables.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

bool IsVariableName(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_';
  });
}

std::string Escaped(const std::string& value) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : value) {
    if (absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.') {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += '%';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

std::optional<std::string> EnvironmentVariable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<std::string> WithVariables(const std::string& url,
                                          const Variables& variables) {
  std::string whole;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = url.find("${", at);
    if (begin == url.npos) return whole + url.substr(at);
    if (begin > at && url[begin - 1] == '$') {
      whole += url.substr(at, begin - 1 - at) + "${";
      at = begin + 2;
      continue;
    }
    whole += url.substr(at, begin - at);
    const std::size_t end = url.find('}', begin);
    const std::string name =
        end == url.npos ? "" : url.substr(begin + 2, end - begin - 2);
    if (!IsVariableName(name)) {
      return absl::InvalidArgumentError(
          "a variable reads ${NAME}, with letters, digits and '_'; write $${ "
          "for ${ itself");
    }
    const std::optional<std::string> value = variables(name);
    if (!value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the environment variable ", name, " is not set"));
    }
    if (begin == 0 && end + 1 == url.size()) return *value;
    whole += Escaped(*value);
    at = end + 1;
  }
}

}  // namespace shard
