// What a file of configuration says about a strategy.
#ifndef SHARD_ROUTER_STRATEGY_CONFIG_H_
#define SHARD_ROUTER_STRATEGY_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// One value of a configuration, whatever format it was read from. Plain value.
//
//   ConfigValue{.value = ConfigValue::Map{
//       {"shards", {.value = ConfigValue::List{{.value = "a", .line = 3}}}}}}
struct ConfigValue {
  using List = std::vector<ConfigValue>;
  using Map = std::vector<std::pair<std::string, ConfigValue>>;
  // monostate: null.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List,
               Map>
      value;
  int line = 0;  // of the file it stands in, from 1; 0: not known
};

// A typed view of a ConfigValue, which must outlive it. Cheap to copy,
// thread-safe. Every error is kInvalidArgument and says where: "line 12:
// routers.cities.shards[1]: must be a text".
class StrategyConfig {
 public:
  // `path` is what messages call the value: "routers.cities".
  StrategyConfig(const ConfigValue& value, std::string path)
      : value_(&value), path_(std::move(path)) {}

  // An error about this value.
  absl::Status Error(std::string_view what) const;

  // The value itself; an error when it is of another kind.
  absl::StatusOr<std::string> AsText() const;
  absl::StatusOr<std::int64_t> AsInteger() const;
  absl::StatusOr<double> AsReal() const;  // of an integer, too
  absl::StatusOr<bool> AsBool() const;
  absl::StatusOr<std::vector<StrategyConfig>> AsList() const;
  absl::StatusOr<std::vector<std::string>> AsTexts() const;
  absl::StatusOr<std::vector<std::pair<std::string, StrategyConfig>>> AsMap()
      const;
  // A value of a shard key. Integers are integers; text, dates ("2024-02-29"),
  // timestamps, decimals and UUIDs stand as text, bytes as text of hexadecimal
  // digits. Without a type: an integer or a text, as it stands.
  absl::StatusOr<sql::Value> AsKey(std::optional<sql::ValueType> type) const;

  // Members of a map. An error when one is missing, of another kind, or this is
  // no map; a `fallback` is taken where the member is missing.
  bool Has(std::string_view name) const;
  absl::StatusOr<StrategyConfig> Member(std::string_view name) const;
  absl::StatusOr<std::string> Text(std::string_view name) const;
  absl::StatusOr<std::string> Text(std::string_view name,
                                   std::string_view fallback) const;
  absl::StatusOr<std::int64_t> Integer(std::string_view name) const;
  absl::StatusOr<std::int64_t> Integer(std::string_view name,
                                       std::int64_t fallback) const;
  absl::StatusOr<std::vector<std::string>> Texts(std::string_view name) const;
  absl::StatusOr<std::vector<StrategyConfig>> List(std::string_view name) const;
  // "30s", "1h30m", "inf".
  absl::StatusOr<absl::Duration> Duration(std::string_view name,
                                          absl::Duration fallback) const;
  // "integer", "text", "bytes", "uuid", "date", "timestamp" or "decimal";
  // nothing where it is missing.
  absl::StatusOr<std::optional<sql::ValueType>> KeyType(
      std::string_view name) const;

  // An error for a member that is none of these, which is most often a slip of
  // the pen. "strategy" may always be there.
  absl::Status CheckMembers(
      std::initializer_list<std::string_view> known) const;

 private:
  // "must be a text, not a list".
  absl::Status WrongKind(std::string_view wanted) const;
  std::string PathOf(std::string_view member) const;
  const ConfigValue* Find(std::string_view name) const;

  const ConfigValue* value_;
  std::string path_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_STRATEGY_CONFIG_H_
