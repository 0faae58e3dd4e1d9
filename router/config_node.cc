#include "shard/router/config_node.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

// How many letters must be put in, taken out or changed.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// The one that was meant, if one is near; else empty.
template <class Names>
std::string Nearest(std::string_view name, const Names& known) {
  std::string nearest;
  std::size_t least = name.size() < 4 ? 1 : 2;
  for (const auto& candidate : known) {
    const std::size_t distance = Distance(name, candidate);
    if (distance > least || (distance == least && !nearest.empty())) continue;
    nearest = std::string(candidate);
    least = distance;
  }
  return nearest;
}

template <class Names>
std::string Listed(const Names& names) {
  std::string text;
  std::size_t left = names.size();
  for (const auto& name : names) {
    absl::StrAppend(&text, std::string(name),
                    left > 2    ? ", "
                    : left == 2 ? " and "
                                : "");
    --left;
  }
  return text;
}

}  // namespace

bool IsConfigName(std::string_view text) {
  return !text.empty() && text.size() <= 63 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
         });
}

absl::Status ConfigNode::Wrong(std::string_view what) const {
  std::string where = path_;
  if (line_ > 0)
    absl::StrAppend(&where, where.empty() ? "" : ", ", "line ", line_);
  return absl::InvalidArgumentError(
      absl::StrCat(where, where.empty() ? "" : ": ", ToAbsl(what)));
}

absl::Status ConfigNode::Expected(std::string_view kind) const {
  constexpr const char* kKinds[] = {"null",     "true or false", "an integer",
                                    "a number", "text",          "a list",
                                    "an object"};
  return Wrong(absl::StrCat("must be ", ToAbsl(kind), ", and is ",
                            kKinds[static_cast<int>(kind_)]));
}

absl::StatusOr<bool> ConfigNode::AsBool() const {
  if (kind_ != Kind::kBool) return Expected("true or false");
  return integer_ != 0;
}

absl::StatusOr<std::int64_t> ConfigNode::AsInteger(std::int64_t least,
                                                   std::int64_t most) const {
  if (kind_ != Kind::kInteger) return Expected("an integer");
  if (integer_ >= least && integer_ <= most) return integer_;
  if (most == INT64_MAX)
    return Wrong(absl::StrCat("must be ", least, " or more"));
  return Wrong(absl::StrCat("must be from ", least, " to ", most));
}

absl::StatusOr<double> ConfigNode::AsNumber() const {
  if (kind_ == Kind::kInteger) return static_cast<double>(integer_);
  if (kind_ != Kind::kNumber) return Expected("a number");
  return number_;
}

absl::StatusOr<std::string> ConfigNode::AsText() const {
  if (kind_ != Kind::kText) return Expected("text");
  if (text_.empty()) return Wrong("must not be empty");
  return text_;
}

absl::StatusOr<absl::Duration> ConfigNode::AsDuration() const {
  absl::Duration duration;
  if (kind_ == Kind::kText && absl::ParseDuration(text_, &duration) &&
      duration >= absl::ZeroDuration()) {
    return duration;
  }
  return Wrong("must be a duration such as \"500ms\", \"30s\" or \"1h30m\"");
}

absl::StatusOr<std::vector<std::string>> ConfigNode::AsTexts() const {
  std::vector<std::string> texts;
  if (is_text()) {
    SHARD_ASSIGN_OR_RETURN(texts.emplace_back(), AsText());
    return texts;
  }
  if (!is_list()) return Expected("a list of texts");
  if (items_.empty()) return Wrong("must not be empty");
  for (const ConfigNode& item : items_) {
    SHARD_ASSIGN_OR_RETURN(std::string text, item.AsText());
    if (std::find(texts.begin(), texts.end(), text) != texts.end()) {
      return item.Wrong("it stands in the list twice");
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

absl::StatusOr<const std::vector<ConfigNode>*> ConfigNode::AsList() const {
  if (!is_list()) return Expected("a list");
  return &items_;
}

absl::StatusOr<const std::vector<ConfigNode>*> ConfigNode::AsObject() const {
  if (!is_object()) return Expected("an object");
  return &items_;
}

const ConfigNode* ConfigNode::Find(std::string_view name) const {
  if (!is_object()) return nullptr;
  for (const ConfigNode& item : items_) {
    if (item.name_ == name) return &item;
  }
  return nullptr;
}

absl::StatusOr<const ConfigNode*> ConfigNode::Need(
    std::string_view name) const {
  if (!is_object()) return Expected("an object");
  const ConfigNode* const member = Find(name);
  if (member != nullptr) return member;
  return Wrong(absl::StrCat("'", ToAbsl(name), "' is missing"));
}

absl::Status ConfigNode::CheckMembers(
    const std::vector<std::string_view>& known) const {
  if (!is_object()) return Expected("an object");
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const std::string& name = items_[i].name_;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    ConfigNode place = *this;
    place.line_ = items_[i].line_;
    const std::string nearest = Nearest(name, known);
    if (nearest.empty()) {
      return place.Wrong(absl::StrCat(
          "member number ", i + 1, " is not known; there are ", Listed(known)));
    }
    return place.Wrong(absl::StrCat("a member is not known; did you mean '",
                                    nearest, "'? There are ", Listed(known)));
  }
  return absl::OkStatus();
}

absl::Status ConfigNode::NoSuch(std::string_view what, std::string_view name,
                                const std::vector<std::string>& known) const {
  std::string text = absl::StrCat("there is no ", ToAbsl(what));
  if (IsConfigName(name)) absl::StrAppend(&text, " '", ToAbsl(name), "'");
  if (const std::string nearest = Nearest(name, known); !nearest.empty()) {
    absl::StrAppend(&text, "; did you mean '", nearest, "'?");
  } else if (!known.empty()) {
    absl::StrAppend(&text, "; there are ", Listed(known));
  }
  return Wrong(text);
}

bool ConfigNode::SaysTheSame(const ConfigNode& other) const {
  if (kind_ != other.kind_ || integer_ != other.integer_ ||
      number_ != other.number_ || text_ != other.text_ ||
      items_.size() != other.items_.size()) {
    return false;
  }
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const ConfigNode* const partner =
        is_object() ? other.Find(items_[i].name_) : &other.items_[i];
    if (partner == nullptr || !items_[i].SaysTheSame(*partner)) return false;
  }
  return true;
}

}  // namespace shard
