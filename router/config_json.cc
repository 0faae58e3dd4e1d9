// ConfigNode::Parse: nlohmann's parser, whose events carry no positions, fed
// by an iterator that counts lines.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "shard/router/config_node.h"
#include "shard/router/config_tree.h"

namespace shard {
namespace {

// Keeps the line of the character that was read last. The parser reads one
// more behind a number, which may be the end of the line: so that belongs to
// the line that it ends.
class LineCounter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  LineCounter(const char* at, int* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  LineCounter& operator++() {
    if (ended_) ++*line_;
    ended_ = *at_++ == '\n';
    return *this;
  }
  LineCounter operator++(int) {
    const LineCounter before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const LineCounter& a, const LineCounter& b) {
    return a.at_ == b.at_;
  }
  friend bool operator!=(const LineCounter& a, const LineCounter& b) {
    return a.at_ != b.at_;
  }

 private:
  const char* at_;
  int* line_;
  bool ended_ = false;  // with the character before
};

// The parser's words, as far as they quote nothing of the text: where it stops
// within a token it shows that.
std::string WhatIsWrong(std::string_view words) {
  const std::size_t unexpected = words.find(" - unexpected ");
  if (unexpected == words.npos || words.find("last read") != words.npos) {
    return "this is no JSON";
  }
  return absl::StrCat("this is no JSON: ",
                      std::string(words.substr(unexpected + 3)));
}

// What nlohmann::json::sax_parse calls.
class Events {
 public:
  explicit Events(ConfigTreeBuilder* tree) : tree_(*tree) {}

  bool null() { return tree_.AddNull(); }
  bool boolean(bool value) { return tree_.AddBool(value); }
  bool number_integer(std::int64_t value) { return tree_.AddInteger(value); }
  bool number_unsigned(std::uint64_t value) {
    return value <= INT64_MAX
               ? tree_.AddInteger(static_cast<std::int64_t>(value))
               : tree_.AddNumber(static_cast<double>(value));
  }
  bool number_float(double value, const std::string&) {
    return tree_.AddNumber(value);
  }
  bool string(std::string& value) { return tree_.AddText(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) { return false; }  // never in JSON
  bool start_object(std::size_t) {
    return tree_.Open(ConfigNode::Kind::kObject);
  }
  bool key(std::string& name) { return tree_.SetKey(std::move(name)); }
  bool end_object() { return tree_.Close(); }
  bool start_array(std::size_t) { return tree_.Open(ConfigNode::Kind::kList); }
  bool end_array() { return tree_.Close(); }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::json::exception& error) {
    return tree_.Fail(WhatIsWrong(error.what()));
  }

 private:
  ConfigTreeBuilder& tree_;
};

}  // namespace

absl::StatusOr<ConfigNode> ConfigNode::Parse(std::string_view json) {
  int line = 1;
  ConfigTreeBuilder tree(&line);
  Events events(&tree);
  nlohmann::json::sax_parse(LineCounter(json.data(), &line),
                            LineCounter(json.data() + json.size(), &line),
                            &events);
  if (!tree.status().ok()) return tree.status();
  return tree.Take();
}

}  // namespace shard
