#include "shard/session/identity_key.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/strings.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

bool IsInteger(const sql::ValueView& view) {
  return view.type() == sql::ValueType::kInt64 ||
         view.type() == sql::ValueType::kInt32;
}

// Numbers and UUIDs name a row and say nothing more; text may be private, and
// messages end up in logs.
std::string WithoutText(const sql::ValueView& part) {
  if (part.holds_bytes() && part.type() != sql::ValueType::kUuid) {
    return absl::StrCat("<", ToAbsl(sql::ValueTypeName(part.type())), ">");
  }
  return sql::DebugString(part);
}

std::size_t HashOf(const sql::ValueView& view) {
  if (view.type() == sql::ValueType::kDecimal) {
    // Equal decimals may be written differently.
    const auto decimal = Decimal::Parse(view.bytes());
    if (decimal.ok()) return absl::HashOf(decimal->Canonical());
  }
  return view.holds_bytes() ? absl::HashOf(ToAbsl(view.bytes()))
                            : absl::HashOf(view.integer());
}

}  // namespace

KeyValue::KeyValue(const KeyValue& other) : number_(other.number_) {
  if (other.parts_ == nullptr) return;
  parts_ = std::make_unique<const std::vector<sql::Value>>(*other.parts_);
}

KeyValue KeyValue::FromViews(absl::Span<const sql::ValueView> parts) {
  if (parts.size() == 1 && IsInteger(parts[0])) {
    return KeyValue(parts[0].integer());
  }
  KeyValue key;
  auto values = std::make_unique<std::vector<sql::Value>>();
  std::size_t hash = 0;
  for (const sql::ValueView& part : parts) {
    values->emplace_back(part);
    hash = absl::HashOf(hash, HashOf(part));
  }
  key.number_ = static_cast<std::int64_t>(hash);
  key.parts_ = std::move(values);
  return key;
}

absl::InlinedVector<sql::ValueView, 2> KeyValue::Views() const {
  if (parts_ == nullptr) return {sql::ValueView::Int64(number_)};
  absl::InlinedVector<sql::ValueView, 2> views;
  for (const sql::Value& part : *parts_) views.push_back(part.view());
  return views;
}

bool KeyValue::SlowEqual(const KeyValue& a, const KeyValue& b) {
  return a.parts_ != nullptr && b.parts_ != nullptr && *a.parts_ == *b.parts_;
}

std::string KeyValue::DebugString() const {
  if (parts_ == nullptr) return absl::StrCat(number_);
  std::string text;
  for (const sql::Value& part : *parts_) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", WithoutText(part.view()));
  }
  return parts_->size() == 1 ? text : absl::StrCat("(", text, ")");
}

}  // namespace shard
