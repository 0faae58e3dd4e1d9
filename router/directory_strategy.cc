#include "shard/router/directory_strategy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/key_order.h"
#include "shard/router/placement.h"
#include "shard/router/shard_names.h"

namespace shard {
namespace {

std::int64_t NowInMicroseconds() { return absl::ToUnixMicros(Now()); }

// A clock that was put back makes everything old.
bool IsYounger(std::int64_t read_at, absl::Duration age) {
  const std::int64_t passed = NowInMicroseconds() - read_at;
  return passed >= 0 && absl::Microseconds(passed) < age;
}

absl::Status CheckOptions(const DirectoryOptions& options) {
  if (options.engine == nullptr) {
    return absl::InvalidArgumentError(
        "a directory strategy needs the engine of its table");
  }
  if (options.table.empty()) {
    return absl::InvalidArgumentError(
        "a directory strategy needs the name of its table");
  }
  if (options.cache_entries == 0) {
    return absl::InvalidArgumentError(
        "a directory strategy needs room for one entry at least; set "
        "cache_entries");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<DirectoryStrategy>> DirectoryStrategy::Create(
    DirectoryOptions options) {
  SHARD_RETURN_IF_ERROR(CheckOptions(options));
  SHARD_ASSIGN_OR_RETURN(std::vector<ShardId> shards,
                         ShardsNamed(options.shards, "a directory strategy"));
  if (options.assign != nullptr) {
    for (const ShardId shard : options.assign->shards()) {
      if (Contains(shards, shard)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("a directory strategy lets keys be assigned to shard '",
                       shard.name(), "', which is none of its shards; add it"));
    }
  }
  std::shared_ptr<DirectoryStrategy> directory(
      new DirectoryStrategy(std::move(options)));
  directory->shards_ = std::move(shards);
  return directory;
}

DirectoryStrategy::DirectoryStrategy(DirectoryOptions options)
    : options_(std::move(options)),
      table_(std::make_unique<DirectoryTable>(options_.engine, options_.table)),
      entries_age_(options_.max_age != absl::InfiniteDuration()),
      cache_(options_.cache_entries) {}

absl::Status DirectoryStrategy::CreateTable(
    const std::shared_ptr<Engine>& engine, const std::string& table) {
  return DirectoryTable(engine, table).Create();
}

ShardId DirectoryStrategy::ShardOf(
    const std::optional<DirectoryCache::Entry>& entry) const {
  if (!entry.has_value()) return ShardId();
  // The time is asked for only where it counts.
  if (entries_age_ && !IsYounger(entry->read_at, options_.max_age)) {
    return ShardId();
  }
  return shards_[entry->place];
}

ShardId DirectoryStrategy::Known(absl::Span<const sql::ValueView> key) const {
  if (key.size() == 1 && SameKeyType(key[0].type(), sql::ValueType::kInt64)) {
    return ShardOf(cache_.FindInteger(key[0].integer()));
  }
  ShortKey encoded;
  return EncodeShortKey(key, &encoded) ? ShardOf(cache_.Find(encoded.view()))
                                       : ShardId();
}

absl::StatusOr<std::uint32_t> DirectoryStrategy::PlaceOf(
    std::string_view name) const {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].name() == name) return static_cast<std::uint32_t>(i);
  }
  return absl::FailedPreconditionError(absl::StrCat(
      table_->Name(), " has an entry that names shard '", ToAbsl(name),
      "', which is none of the strategy's shards; add it there"));
}

absl::Status DirectoryStrategy::NoEntry() const {
  return absl::InvalidArgumentError(
      absl::StrCat(table_->Name(),
                   " has no entry for this key; make one with Move(), or "
                   "give the strategy another one that assigns"));
}

absl::StatusOr<std::vector<ShardId>> DirectoryStrategy::Read(
    const std::vector<std::string>& encoded) const {
  std::vector<std::uint32_t> versions;
  for (const std::string& key : encoded) {
    versions.push_back(cache_.Version(key));
  }
  const std::int64_t now = NowInMicroseconds();
  SHARD_ASSIGN_OR_RETURN(const DirectoryTable::Shards found,
                         table_->Read(encoded));
  std::vector<ShardId> shards(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const auto entry = found.find(encoded[i]);
    if (entry == found.end()) continue;
    SHARD_ASSIGN_OR_RETURN(const std::uint32_t place, PlaceOf(entry->second));
    cache_.Put(encoded[i], {place, now}, versions[i]);
    shards[i] = shards_[place];
  }
  return shards;
}

absl::StatusOr<ShardId> DirectoryStrategy::Find(
    const std::string& encoded) const {
  if (const ShardId known = ShardOf(cache_.Find(encoded)); !known.is_none())
    return known;
  SHARD_ASSIGN_OR_RETURN(const std::vector<ShardId> read, Read({encoded}));
  return read[0];
}

absl::StatusOr<ShardId> DirectoryStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  if (const ShardId known = Known(key); !known.is_none()) return known;
  SHARD_ASSIGN_OR_RETURN(const std::string encoded, EncodeShardKey(key));
  SHARD_ASSIGN_OR_RETURN(const ShardId shard, Find(encoded));
  if (!shard.is_none()) return shard;
  if (options_.assign == nullptr) return NoEntry();
  return options_.assign->ShardFor(key);
}

absl::StatusOr<ShardId> DirectoryStrategy::ShardForNew(
    absl::Span<const sql::ValueView> key) const {
  if (const ShardId known = Known(key); !known.is_none()) return known;
  SHARD_ASSIGN_OR_RETURN(const std::string encoded, EncodeShardKey(key));
  SHARD_ASSIGN_OR_RETURN(const ShardId shard, Find(encoded));
  if (!shard.is_none()) return shard;
  if (options_.assign == nullptr) return NoEntry();
  const std::uint32_t version = cache_.Version(encoded);
  const std::int64_t now = NowInMicroseconds();
  SHARD_ASSIGN_OR_RETURN(const ShardId wanted,
                         options_.assign->ShardForNew(key));
  SHARD_ASSIGN_OR_RETURN(const std::string assigned,
                         table_->Assign(encoded, wanted.name()));
  SHARD_ASSIGN_OR_RETURN(const std::uint32_t place, PlaceOf(assigned));
  cache_.Put(encoded, {place, now}, version);
  return shards_[place];
}

ShardSet DirectoryStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  std::vector<std::string> missing;
  ShardSet found;
  const auto look = [&](absl::Span<const sql::ValueView> one) {
    const auto encoded = EncodeShardKey(one);
    if (!encoded.ok()) return absl::IsInvalidArgument(encoded.status());
    if (const ShardId known = ShardOf(cache_.Find(*encoded));
        !known.is_none()) {
      shard::AddOnce(found, known);
    } else {
      missing.push_back(*encoded);
    }
    return true;
  };
  if (!ForEachKey(key, kMostKeys, look)) return All();
  if (missing.empty()) return InOrder(found);
  const absl::StatusOr<std::vector<ShardId>> read = Read(missing);
  if (!read.ok()) return All();  // it cannot tell
  for (const ShardId shard : *read) {
    if (!shard.is_none()) shard::AddOnce(found, shard);
  }
  return InOrder(found);
}

bool DirectoryStrategy::Forget(absl::Span<const sql::ValueView> key) const {
  const auto encoded = EncodeShardKey(key);
  if (!encoded.ok()) return false;
  if (options_.recheck_after > absl::ZeroDuration()) {
    const auto entry = cache_.Find(*encoded);
    if (entry.has_value() &&
        IsYounger(entry->read_at, options_.recheck_after)) {
      return false;
    }
  }
  cache_.Forget(*encoded);
  return true;
}

absl::Status DirectoryStrategy::Move(absl::Span<const sql::ValueView> key,
                                     std::string_view shard) const {
  SHARD_ASSIGN_OR_RETURN(const std::string encoded, EncodeShardKey(key));
  const auto place =
      std::find(options_.shards.begin(), options_.shards.end(), shard);
  if (place == options_.shards.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(shard),
                     "' is none of the shards of the directory "
                     "strategy; add it there first"));
  }
  const absl::Status written = table_->Write(encoded, *place);
  // Whatever became of it: the entry is read again.
  cache_.Forget(encoded);
  return written;
}

}  // namespace shard
