#include "shard/router/strategy_config.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

using sql::ValueType;

constexpr std::string_view kKinds[] = {
    "null",   "true or false", "an integer", "a number",
    "a text", "a list",        "a map"};

constexpr std::pair<std::string_view, ValueType> kKeyTypes[] = {
    {"integer", ValueType::kInt64},   {"text", ValueType::kText},
    {"bytes", ValueType::kBytes},     {"uuid", ValueType::kUuid},
    {"date", ValueType::kDate},       {"timestamp", ValueType::kTimestamp},
    {"decimal", ValueType::kDecimal},
};

template <class T>
absl::StatusOr<sql::Value> ToValue(const absl::StatusOr<T>& parsed) {
  if (!parsed.ok()) return parsed.status();
  return sql::Value(*parsed);
}

absl::StatusOr<Bytes> ParseBytes(const std::string& text) {
  if (text.size() % 2 != 0 ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isxdigit)) {
    return absl::InvalidArgumentError("no pairs of hexadecimal digits");
  }
  return Bytes{absl::HexStringToBytes(text)};
}

absl::StatusOr<sql::Value> ParseKey(const std::string& text, ValueType type) {
  switch (type) {
    case ValueType::kText:
      return sql::Value(text);
    case ValueType::kBytes:
      return ToValue(ParseBytes(text));
    case ValueType::kUuid:
      return ToValue(Uuid::Parse(text));
    case ValueType::kDate:
      return ToValue(Date::Parse(text));
    case ValueType::kTimestamp:
      return ToValue(Timestamp::Parse(text));
    case ValueType::kDecimal:
      return ToValue(Decimal::Parse(text));
    default:
      return absl::InvalidArgumentError("it must be an integer");
  }
}

}  // namespace

absl::Status StrategyConfig::Error(std::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(
      value_->line > 0 ? absl::StrCat("line ", value_->line, ": ") : "", path_,
      path_.empty() ? "" : ": ", ToAbsl(what)));
}

absl::Status StrategyConfig::WrongKind(std::string_view wanted) const {
  return Error(absl::StrCat("must be ", ToAbsl(wanted), ", not ",
                            ToAbsl(kKinds[value_->value.index()])));
}

std::string StrategyConfig::PathOf(std::string_view member) const {
  return absl::StrCat(path_, path_.empty() ? "" : ".", ToAbsl(member));
}

absl::StatusOr<std::string> StrategyConfig::AsText() const {
  const auto* text = std::get_if<std::string>(&value_->value);
  if (text == nullptr) return WrongKind("a text");
  return *text;
}

absl::StatusOr<std::int64_t> StrategyConfig::AsInteger() const {
  const auto* integer = std::get_if<std::int64_t>(&value_->value);
  if (integer == nullptr) return WrongKind("an integer");
  return *integer;
}

absl::StatusOr<double> StrategyConfig::AsReal() const {
  if (const auto* integer = std::get_if<std::int64_t>(&value_->value)) {
    return static_cast<double>(*integer);
  }
  const auto* real = std::get_if<double>(&value_->value);
  if (real == nullptr) return WrongKind("a number");
  return *real;
}

absl::StatusOr<bool> StrategyConfig::AsBool() const {
  const auto* boolean = std::get_if<bool>(&value_->value);
  if (boolean == nullptr) return WrongKind("true or false");
  return *boolean;
}

absl::StatusOr<std::vector<StrategyConfig>> StrategyConfig::AsList() const {
  const auto* list = std::get_if<ConfigValue::List>(&value_->value);
  if (list == nullptr) return WrongKind("a list");
  std::vector<StrategyConfig> items;
  for (const ConfigValue& item : *list) {
    items.emplace_back(item, absl::StrCat(path_, "[", items.size(), "]"));
  }
  return items;
}

absl::StatusOr<std::vector<std::string>> StrategyConfig::AsTexts() const {
  SHARD_ASSIGN_OR_RETURN(const std::vector<StrategyConfig> items, AsList());
  std::vector<std::string> texts;
  for (const StrategyConfig& item : items) {
    SHARD_ASSIGN_OR_RETURN(std::string text, item.AsText());
    texts.push_back(std::move(text));
  }
  return texts;
}

absl::StatusOr<std::vector<std::pair<std::string, StrategyConfig>>>
StrategyConfig::AsMap() const {
  const auto* map = std::get_if<ConfigValue::Map>(&value_->value);
  if (map == nullptr) return WrongKind("a map");
  std::vector<std::pair<std::string, StrategyConfig>> members;
  for (const auto& [name, member] : *map) {
    members.emplace_back(name, StrategyConfig(member, PathOf(name)));
  }
  return members;
}

absl::StatusOr<sql::Value> StrategyConfig::AsKey(
    std::optional<ValueType> type) const {
  const auto* integer = std::get_if<std::int64_t>(&value_->value);
  const auto* text = std::get_if<std::string>(&value_->value);
  if (integer == nullptr && text == nullptr) {
    return WrongKind("an integer or a text");
  }
  if (!type.has_value()) {
    type = integer != nullptr ? ValueType::kInt64 : ValueType::kText;
  }
  if ((integer != nullptr) != (*type == ValueType::kInt64)) {
    return WrongKind(*type == ValueType::kInt64 ? "an integer" : "a text");
  }
  if (integer != nullptr) return sql::Value(*integer);
  absl::StatusOr<sql::Value> key = ParseKey(*text, *type);
  if (key.ok()) return key;
  return Error(absl::StrCat("is no key of type ",
                            ToAbsl(sql::ValueTypeName(*type)), ": ",
                            key.status().message()));
}

const ConfigValue* StrategyConfig::Find(std::string_view name) const {
  const auto* map = std::get_if<ConfigValue::Map>(&value_->value);
  if (map == nullptr) return nullptr;
  for (const auto& [known, member] : *map) {
    if (known == name) return &member;
  }
  return nullptr;
}

bool StrategyConfig::Has(std::string_view name) const {
  return Find(name) != nullptr;
}

absl::StatusOr<StrategyConfig> StrategyConfig::Member(
    std::string_view name) const {
  if (!std::holds_alternative<ConfigValue::Map>(value_->value)) {
    return WrongKind("a map");
  }
  const ConfigValue* member = Find(name);
  if (member == nullptr) {
    return Error(absl::StrCat("needs a member '", ToAbsl(name), "'"));
  }
  return StrategyConfig(*member, PathOf(name));
}

absl::StatusOr<std::string> StrategyConfig::Text(std::string_view name) const {
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, Member(name));
  return member.AsText();
}

absl::StatusOr<std::string> StrategyConfig::Text(
    std::string_view name, std::string_view fallback) const {
  return Has(name) ? Text(name) : std::string(fallback);
}

absl::StatusOr<std::int64_t> StrategyConfig::Integer(
    std::string_view name) const {
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, Member(name));
  return member.AsInteger();
}

absl::StatusOr<std::int64_t> StrategyConfig::Integer(
    std::string_view name, std::int64_t fallback) const {
  return Has(name) ? Integer(name) : fallback;
}

absl::StatusOr<std::vector<std::string>> StrategyConfig::Texts(
    std::string_view name) const {
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, Member(name));
  return member.AsTexts();
}

absl::StatusOr<std::vector<StrategyConfig>> StrategyConfig::List(
    std::string_view name) const {
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, Member(name));
  return member.AsList();
}

absl::StatusOr<absl::Duration> StrategyConfig::Duration(
    std::string_view name, absl::Duration fallback) const {
  if (!Has(name)) return fallback;
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, Member(name));
  SHARD_ASSIGN_OR_RETURN(const std::string text, member.AsText());
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) ||
      duration < absl::ZeroDuration()) {
    return member.Error("must be a time like \"30s\" or \"1h30m\"");
  }
  return duration;
}

absl::StatusOr<std::optional<ValueType>> StrategyConfig::KeyType(
    std::string_view name) const {
  if (!Has(name)) return std::optional<ValueType>();
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, Member(name));
  SHARD_ASSIGN_OR_RETURN(const std::string text, member.AsText());
  std::string known;
  for (const auto& [type_name, type] : kKeyTypes) {
    if (type_name == text) return std::optional<ValueType>(type);
    absl::StrAppend(&known, known.empty() ? "" : ", ", ToAbsl(type_name));
  }
  return member.Error(absl::StrCat("must be one of ", known));
}

absl::Status StrategyConfig::CheckMembers(
    std::initializer_list<std::string_view> known) const {
  SHARD_ASSIGN_OR_RETURN(const auto members, AsMap());
  for (const auto& [name, member] : members) {
    if (name == "strategy" ||
        std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    std::string names;
    for (const std::string_view one : known) {
      absl::StrAppend(&names, names.empty() ? "'" : ", '", ToAbsl(one), "'");
    }
    return member.Error(
        absl::StrCat("is not known here; there may be ", names));
  }
  return absl::OkStatus();
}

}  // namespace shard
