#include "shard/dialects/postgres/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"

namespace shard::postgres {
namespace {

// Sent with the first packet, so that they cost no round trip.
constexpr char kSettings[] =
    "-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres"
    " -c standard_conforming_strings=on -c bytea_output=hex"
    " -c extra_float_digits=1";

bool IsKeyword(const std::string& name) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> known(
      PQconndefaults(), &PQconninfoFree);
  if (known == nullptr) return false;  // out of memory
  for (const PQconninfoOption* option = known.get(); option->keyword != nullptr;
       ++option) {
    if (name == option->keyword) return true;
  }
  return false;
}

std::string* Find(ConnInfo& info, std::string_view name) {
  const auto found =
      std::find_if(info.keywords.begin(), info.keywords.end(),
                   [&](const auto& keyword) { return keyword.first == name; });
  return found == info.keywords.end() ? nullptr : &found->second;
}

absl::Status CheckText(const std::string& name, const std::string& value) {
  if (value.find('\0') == value.npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("URL: the ", name, " has a NUL byte in it"));
}

absl::Status Add(ConnInfo& info, const std::string& name,
                 const std::string& value) {
  SHARD_RETURN_IF_ERROR(CheckText(name, value));
  if (Find(info, name) != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("URL: ", name, " is given twice"));
  }
  info.keywords.emplace_back(name, value);
  return absl::OkStatus();
}

absl::Status AddQuery(ConnInfo& info, const Url& url) {
  for (const auto& [name, value] : url.query) {
    if (!IsKeyword(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("URL: \"", name, "\" is no parameter of PostgreSQL's"));
    }
    if (name == "client_encoding") {
      return absl::InvalidArgumentError(
          "URL: client_encoding cannot be chosen, it is UTF8");
    }
    SHARD_RETURN_IF_ERROR(Add(info, name, value));
  }
  return absl::OkStatus();
}

// Ours go last: of two settings of one name the last counts.
void AddSettings(ConnInfo& info) {
  info.keywords.emplace_back("client_encoding", "UTF8");
  if (std::string* own = Find(info, "options"); own != nullptr) {
    absl::StrAppend(own, " ", kSettings);
  } else {
    info.keywords.emplace_back("options", kSettings);
  }
  if (Find(info, "application_name") == nullptr) {
    info.keywords.emplace_back("application_name", "shardsession");
  }
}

absl::Status SetTimeout(ConnInfo& info, const EngineOptions& options) {
  info.timeout = std::max(absl::Ceil(options.busy_timeout, absl::Seconds(1)),
                          absl::Seconds(2));
  const std::string* given = Find(info, "connect_timeout");
  if (given == nullptr) return absl::OkStatus();
  int seconds = 0;
  if (!absl::SimpleAtoi(*given, &seconds) || seconds < 0) {
    return absl::InvalidArgumentError(
        "URL: connect_timeout is not a number of seconds");
  }
  info.timeout =
      seconds == 0 ? absl::InfiniteDuration() : absl::Seconds(seconds);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ConnInfo> MakeConnInfo(const Url& url,
                                      const EngineOptions& options) {
  ConnInfo info;
  const std::pair<const char*, const std::string&> parts[] = {
      {"user", url.user},
      {"password", url.password},
      {"host", url.host},
      {"dbname", url.path}};
  for (const auto& [name, value] : parts) {
    if (!value.empty()) SHARD_RETURN_IF_ERROR(Add(info, name, value));
  }
  if (url.port.has_value()) {
    SHARD_RETURN_IF_ERROR(Add(info, "port", absl::StrCat(*url.port)));
  }
  SHARD_RETURN_IF_ERROR(AddQuery(info, url));
  SHARD_RETURN_IF_ERROR(SetTimeout(info, options));
  AddSettings(info);
  return info;
}

}  // namespace shard::postgres
