#include "shard/tools/shardctl/output.h"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {

Output::Output(bool json)
    : json_(json),
      colors_(!json && StdoutHasColors()),
      text_(json ? nullptr : std::cout.rdbuf()) {}

std::string Output::Paint(std::string_view text, Color color) const {
  return shardctl::Paint(text, color, colors_);
}

void Output::Problem(const std::string& database, const absl::Status& error) {
  // The name stands in front anyway.
  const std::string words(absl::StripPrefix(
      error.message(), absl::StrCat("cannot connect to '", database, "': ")));
  problems_.push_back({{"database", database},
                       {"code", absl::StatusCodeToString(error.code())},
                       {"message", words}});
}

void Output::Error(const absl::Status& error) { error_ = ErrorJson(error); }

int Output::Finish(ExitCode code) {
  text_.flush();
  for (const Json& problem : problems_) {
    std::cerr << "shardctl: database '"
              << problem["database"].get<std::string>()
              << "': " << OneLine(problem["message"].get<std::string>())
              << "\n";
  }
  if (!error_.is_null()) {
    std::cerr << "shardctl: " << OneLine(error_["message"].get<std::string>())
              << "\n";
  }
  const int number = static_cast<int>(code);
  if (!json_) return number;
  object_["problems"] = std::move(problems_);
  object_["error"] = std::move(error_);
  object_["exit_code"] = number;
  // What is no UTF-8, in a database's message maybe, is replaced.
  std::cout << object_.dump(2, ' ', false, Json::error_handler_t::replace)
            << std::endl;
  return number;
}

Json ErrorJson(const absl::Status& error) {
  if (error.ok()) return nullptr;
  return {{"code", absl::StatusCodeToString(error.code())},
          {"message", std::string(error.message())}};
}

Json TextJson(std::string_view text) {
  if (text.empty()) return nullptr;
  return std::string(text);
}

Json AgeJson(absl::Duration age) {
  const std::int64_t milliseconds =
      std::max<std::int64_t>(0, absl::ToInt64Milliseconds(age));
  return static_cast<double>(milliseconds) / 1000;
}

}  // namespace shard::shardctl
