#include "shard/router/placement.h"

// Inlined, since a shard key is short, and its length often known here.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

using sql::ValueType;

char TagOf(ValueType type) {
  switch (type) {
    case ValueType::kInt32:
    case ValueType::kInt64:
      return 1;
    case ValueType::kText:
      return 2;
    case ValueType::kBytes:
      return 3;
    case ValueType::kUuid:
      return 4;
    case ValueType::kDate:
      return 5;
    case ValueType::kTimestamp:
      return 6;
    case ValueType::kDecimal:
      return 7;
    default:
      return 0;
  }
}

// Little-endian on every machine.
void PutInteger(std::uint64_t value, int bytes, char* out) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(out, &value, static_cast<std::size_t>(bytes));
    return;
  }
  for (int i = 0; i < bytes; ++i) {
    out[i] = static_cast<char>(value >> (8 * i));
  }
}

absl::Status NotAKey(ValueType type) {
  if (type == ValueType::kNull) {
    return absl::InvalidArgumentError("a shard key must not be NULL");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a value of type ", ToAbsl(sql::ValueTypeName(type)),
      " cannot be a shard key; use an integer, text, bytes, UUID, date, "
      "timestamp or decimal"));
}

std::uint32_t SlotOfBytes(std::string_view bytes) {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()) >>
                                    52);
}

absl::Status Append(const sql::ValueView& part, std::string* out) {
  const char tag = TagOf(part.type());
  if (tag == 0) return NotAKey(part.type());
  out->push_back(tag);
  if (part.type() == ValueType::kDecimal) {
    SHARD_ASSIGN_OR_RETURN(const Decimal decimal, Decimal::Parse(part.bytes()));
    out->append(decimal.Canonical());
  } else if (part.holds_bytes()) {
    out->append(part.bytes());
  } else {
    const int size = part.type() == ValueType::kDate ? 4 : 8;
    char number[8];
    PutInteger(static_cast<std::uint64_t>(part.integer()), size, number);
    out->append(number, static_cast<std::size_t>(size));
  }
  return absl::OkStatus();
}

}  // namespace

bool CanBeShardKey(ValueType type) { return TagOf(type) != 0; }

bool EncodeShortKey(absl::Span<const sql::ValueView> key, ShortKey* out) {
  const bool is_composite = key.size() != 1;
  std::size_t size = 0;
  for (const sql::ValueView& part : key) {
    const char tag = TagOf(part.type());
    if (tag == 0 || part.type() == ValueType::kDecimal) return false;
    const std::size_t payload = part.holds_bytes() ? part.bytes().size()
                                : part.type() == ValueType::kDate ? 4
                                                                  : 8;
    // With room for the length of a part, and for zeros behind the last.
    if (payload + size + 5 + 8 > ShortKey::kMostBytes) return false;
    if (is_composite) {
      PutInteger(payload + 1, 4, out->bytes + size);
      size += 4;
    }
    out->bytes[size++] = tag;
    if (part.holds_bytes()) {
      std::memcpy(out->bytes + size, part.bytes().data(), payload);
    } else {
      PutInteger(static_cast<std::uint64_t>(part.integer()),
                 static_cast<int>(payload), out->bytes + size);
    }
    size += payload;
  }
  std::memset(out->bytes + size, 0, 8);
  out->size = size;
  return size != 0;
}

absl::StatusOr<std::uint32_t> SlotOf(absl::Span<const sql::ValueView> key) {
  if (key.size() == 1 && TagOf(key[0].type()) == 1) {
    // The commonest key, of a length that the compiler knows.
    char encoded[9] = {1};
    PutInteger(static_cast<std::uint64_t>(key[0].integer()), 8, encoded + 1);
    return SlotOfBytes({encoded, sizeof(encoded)});
  }
  ShortKey short_key;
  if (EncodeShortKey(key, &short_key)) return SlotOfBytes(short_key.view());
  SHARD_ASSIGN_OR_RETURN(const std::string encoded, EncodeShardKey(key));
  return SlotOfBytes(encoded);
}

absl::StatusOr<std::string> EncodeShardKey(
    absl::Span<const sql::ValueView> key) {
  if (key.empty()) {
    return absl::InvalidArgumentError("a shard key needs at least one value");
  }
  std::string out;
  if (key.size() == 1) {
    SHARD_RETURN_IF_ERROR(Append(key[0], &out));
    return out;
  }
  for (const sql::ValueView& part : key) {
    const std::size_t length_at = out.size();
    out.append(4, '\0');
    SHARD_RETURN_IF_ERROR(Append(part, &out));
    PutInteger(out.size() - length_at - 4, 4, out.data() + length_at);
  }
  return out;
}

}  // namespace shard
