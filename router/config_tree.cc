#include "shard/router/config_tree.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

// More than any configuration needs, and few enough for recursion over it.
constexpr std::size_t kDeepest = 32;

std::string PathOf(const ConfigNode& parent, const std::string& key) {
  const std::size_t number = parent.items().size() + 1;
  if (parent.is_list()) return absl::StrCat(parent.path(), "[", number, "]");
  const std::string shown = IsConfigName(key) ? key : absl::StrCat("#", number);
  return parent.path().empty() ? shown
                               : absl::StrCat(parent.path(), ".", shown);
}

}  // namespace

ConfigNode* ConfigTreeBuilder::Add(ConfigNode::Kind kind) {
  if (!status_.ok()) return nullptr;
  ConfigNode* value = &root_;
  if (!open_.empty()) {
    ConfigNode& parent = *open_.back();
    std::string path = PathOf(parent, key_);
    // What is open holds no finished value's place but that of its own parents,
    // which grow no more until it is closed: so pointers stay.
    value = &parent.items_.emplace_back();
    value->path_ = std::move(path);
    value->name_ = std::move(key_);
    key_.clear();
  }
  value->kind_ = kind;
  value->line_ = line_;
  return value;
}

bool ConfigTreeBuilder::AddBool(bool value) {
  ConfigNode* const added = Add(ConfigNode::Kind::kBool);
  if (added != nullptr) added->integer_ = value ? 1 : 0;
  return added != nullptr;
}

bool ConfigTreeBuilder::AddInteger(std::int64_t value) {
  ConfigNode* const added = Add(ConfigNode::Kind::kInteger);
  if (added != nullptr) added->integer_ = value;
  return added != nullptr;
}

bool ConfigTreeBuilder::AddNumber(double value) {
  ConfigNode* const added = Add(ConfigNode::Kind::kNumber);
  if (added != nullptr) added->number_ = value;
  return added != nullptr;
}

bool ConfigTreeBuilder::AddText(std::string value) {
  ConfigNode* const added = Add(ConfigNode::Kind::kText);
  if (added != nullptr) added->text_ = std::move(value);
  return added != nullptr;
}

bool ConfigTreeBuilder::Open(ConfigNode::Kind kind) {
  if (open_.size() == kDeepest) return Fail("this is nested too deeply");
  ConfigNode* const added = Add(kind);
  if (added != nullptr) open_.push_back(added);
  return added != nullptr;
}

bool ConfigTreeBuilder::Close() {
  open_.pop_back();
  return status_.ok();
}

bool ConfigTreeBuilder::SetKey(std::string name) {
  if (const ConfigNode* const first = open_.back()->Find(name)) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat(first->path(), ", line ", line_,
                     ": it stands there twice, for the "
                     "first time in line ",
                     first->line()));
    return false;
  }
  key_ = std::move(name);
  return true;
}

bool ConfigTreeBuilder::Fail(std::string_view what) {
  if (status_.ok()) {
    const std::string path = open_.empty() ? "" : open_.back()->path();
    status_ = absl::InvalidArgumentError(absl::StrCat(
        path, path.empty() ? "" : ", ", "line ", line_, ": ", ToAbsl(what)));
  }
  return false;
}

}  // namespace shard
