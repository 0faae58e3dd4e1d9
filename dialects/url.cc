#include "shard/dialects/url.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

// What is wrong, never with the text itself: it may hold a password.
absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("database URL: ", std::string(what)));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

absl::StatusOr<std::string> Decode(std::string_view text, const char* part) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Wrong(absl::StrCat("'%' in the ", part,
                                " is not followed by two hexadecimal digits"));
    }
    const char c = static_cast<char>(high * 16 + low);
    if (c == '\0') return Wrong(absl::StrCat("NUL byte in the ", part));
    out.push_back(c);
    i += 2;
  }
  return out;
}

absl::Status ParseUser(std::string_view text, Url* url) {
  const std::size_t colon = text.find(':');
  SHARD_ASSIGN_OR_RETURN(url->user, Decode(text.substr(0, colon), "user"));
  if (colon != std::string_view::npos) {
    SHARD_ASSIGN_OR_RETURN(url->password,
                           Decode(text.substr(colon + 1), "password"));
  }
  return absl::OkStatus();
}

absl::Status ParseHost(std::string_view text, Url* url) {
  std::string_view port;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return Wrong("'[' of an IPv6 address is not closed");
    }
    url->host = std::string(text.substr(1, close - 1));
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') {
      return Wrong("text between ']' and the port");
    }
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.rfind(':')) {
      // Or a user and password without the '@' behind them.
      return Wrong(
          "more than one ':' in host and port; write an IPv6 address in "
          "brackets, and '@' before the host");
    }
    SHARD_ASSIGN_OR_RETURN(url->host, Decode(text.substr(0, colon), "host"));
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  if (!has_port) return absl::OkStatus();
  std::uint16_t number = 0;
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) {
    return Wrong("the port is not a number from 1 to 65535");
  }
  url->port = number;
  return absl::OkStatus();
}

absl::Status ParseQuery(std::string_view text, Url* url) {
  while (!text.empty()) {
    const std::size_t amp = text.find('&');
    const std::string_view pair = text.substr(0, amp);
    text = amp == std::string_view::npos ? std::string_view()
                                         : text.substr(amp + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Wrong("options behind '?' are written key=value, joined by '&'");
    }
    SHARD_ASSIGN_OR_RETURN(std::string key,
                           Decode(pair.substr(0, equals), "options"));
    SHARD_ASSIGN_OR_RETURN(std::string value,
                           Decode(pair.substr(equals + 1), "options"));
    url->query.emplace_back(std::move(key), std::move(value));
  }
  return absl::OkStatus();
}

bool IsScheme(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+')) {
      return false;
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<Url> Url::Parse(std::string_view text) {
  Url url;
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos || !IsScheme(text.substr(0, mark))) {
    return Wrong(
        "expected <dialect>://..., such as sqlite:///file.db or "
        "postgresql://user@host/database");
  }
  url.scheme = std::string(text.substr(0, mark));
  std::string_view rest = text.substr(mark + 3);
  if (const std::size_t end = rest.find_first_of("/?");
      end != 0 && end != std::string_view::npos &&
      rest.find('@', end) != std::string_view::npos) {
    // Taken literally, the rest of a password would pass for a path.
    return Wrong(
        "write '/', '?' and '@' inside a user, password, path or option as "
        "%2F, %3F and %40");
  }
  if (const std::size_t question = rest.find('?');
      question != std::string_view::npos) {
    SHARD_RETURN_IF_ERROR(ParseQuery(rest.substr(question + 1), &url));
    rest = rest.substr(0, question);
  }
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) {
    SHARD_ASSIGN_OR_RETURN(url.path, Decode(rest.substr(slash + 1), "path"));
  }
  // The last '@': a password with an unescaped one is read as it was meant.
  if (const std::size_t at = authority.rfind('@');
      at != std::string_view::npos) {
    SHARD_RETURN_IF_ERROR(ParseUser(authority.substr(0, at), &url));
    authority = authority.substr(at + 1);
  }
  SHARD_RETURN_IF_ERROR(ParseHost(authority, &url));
  return url;
}

std::string Url::Redacted() const {
  std::string out = absl::StrCat(scheme, "://", user);
  if (!password.empty()) out += ":***";
  if (!user.empty() || !password.empty()) out += "@";
  const bool ipv6 = host.find(':') != std::string::npos;
  absl::StrAppend(&out, ipv6 ? "[" : "", host, ipv6 ? "]" : "");
  if (port.has_value()) absl::StrAppend(&out, ":", *port);
  if (!path.empty()) absl::StrAppend(&out, "/", path);
  return out;
}

}  // namespace shard
