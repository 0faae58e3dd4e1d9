// What a configuration file says, with the line where it says it.
#ifndef SHARD_ROUTER_CONFIG_NODE_H_
#define SHARD_ROUTER_CONFIG_NODE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shard {

// A value out of JSON, and all that is in it. Every error is kInvalidArgument
// and names the field and its line ("databases.eu.pool_size, line 7: ..."), and
// shows nothing else of the text, which may hold passwords. Plain value; const
// members are thread-safe.
class ConfigNode {
 public:
  enum class Kind : std::uint8_t {
    kNull,
    kBool,
    kInteger,
    kNumber,  // one that is no int64
    kText,
    kList,
    kObject,
  };

  // Null, of no file.
  ConfigNode() = default;
  // An error for what is no JSON, for a member that stands in an object twice,
  // and for what is nested too deeply.
  static absl::StatusOr<ConfigNode> Parse(std::string_view json);

  Kind kind() const { return kind_; }
  bool is_text() const { return kind_ == Kind::kText; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_object() const { return kind_ == Kind::kObject; }
  // As a member of an object: its name.
  const std::string& name() const { return name_; }
  // "databases.eu.url"; empty for the whole. What is no name in it (see
  // IsConfigName) is shown as its place: "#2".
  const std::string& path() const { return path_; }
  int line() const { return line_; }                 // from 1; 0: of no file
  const std::string& text() const { return text_; }  // empty unless is_text()

  // What is wrong, behind field and line.
  absl::Status Wrong(std::string_view what) const;

  absl::StatusOr<bool> AsBool() const;
  // From `least` to `most`.
  absl::StatusOr<std::int64_t> AsInteger(std::int64_t least = INT64_MIN,
                                         std::int64_t most = INT64_MAX) const;
  // An integer is one, too.
  absl::StatusOr<double> AsNumber() const;
  absl::StatusOr<std::string> AsText() const;  // not empty
  // Text such as "500ms" or "1h30m"; not negative.
  absl::StatusOr<absl::Duration> AsDuration() const;
  // A list of texts, none of them twice, at least one; or one text alone.
  absl::StatusOr<std::vector<std::string>> AsTexts() const;
  absl::StatusOr<const std::vector<ConfigNode>*> AsList() const;
  absl::StatusOr<const std::vector<ConfigNode>*> AsObject() const;

  // The items of a list, the members of an object in the file's order; else
  // none.
  const std::vector<ConfigNode>& items() const { return items_; }
  // A member of an object; null where there is none.
  const ConfigNode* Find(std::string_view name) const;
  // The same; an error where there is none.
  absl::StatusOr<const ConfigNode*> Need(std::string_view name) const;
  // An error unless this is an object with no members but these. It names the
  // nearest of them.
  absl::Status CheckMembers(const std::vector<std::string_view>& known) const;
  // Error for a name that stands here and is none of `known`, which it names,
  // the nearest first: "there is no shard 'uz'; did you mean 'us'?".
  absl::Status NoSuch(std::string_view what, std::string_view name,
                      const std::vector<std::string>& known) const;

  // Whether both say the same, wherever they stand; the order of members does
  // not matter.
  bool SaysTheSame(const ConfigNode& other) const;

 private:
  friend class ConfigTreeBuilder;
  absl::Status Expected(std::string_view kind) const;

  Kind kind_ = Kind::kNull;
  int line_ = 0;
  std::int64_t integer_ = 0;  // and bool
  double number_ = 0;
  std::string text_;
  std::string name_;
  std::string path_;
  std::vector<ConfigNode> items_;
};

// 1 to 63 letters, digits, '_', '-' and '.': names of databases, routers and
// shards. Anything else in a name's place may be a URL, and is never shown.
bool IsConfigName(std::string_view text);

}  // namespace shard

#endif  // SHARD_ROUTER_CONFIG_NODE_H_
