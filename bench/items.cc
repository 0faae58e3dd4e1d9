#include "shard/bench/items.h"

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/schema.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"

namespace shard::bench {

ItemRow MakeRow(std::size_t i) {
  ItemRow row;
  row.name = absl::StrCat("item ", i);
  row.label = absl::StrCat("a label of usual length, number ", i);
  row.quantity = static_cast<std::int64_t>(i * 7919 % 100'003);
  row.price = static_cast<double>(i % 1000) * 1.25;
  return row;
}

std::vector<ItemRow> MakeRows(std::size_t count) {
  std::vector<ItemRow> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(MakeRow(i));
  return rows;
}

std::vector<Item::Row> MakeStructs(std::size_t count) {
  std::vector<Item::Row> rows;
  rows.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    ItemRow row = MakeRow(i);
    rows.push_back({0, std::move(row.name), std::move(row.label), row.quantity,
                    row.price});
  }
  return rows;
}

std::vector<sql::Parameters> MakeMappings(std::size_t count) {
  std::vector<sql::Parameters> rows;
  rows.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    ItemRow row = MakeRow(i);
    rows.push_back({{"name", sql::Value(std::move(row.name))},
                    {"label", sql::Value(std::move(row.label))},
                    {"quantity", sql::Value(row.quantity)},
                    {"price", sql::Value(row.price)}});
  }
  return rows;
}

std::vector<std::shared_ptr<Item>> MakeItems(const std::vector<ItemRow>& rows) {
  std::vector<std::shared_ptr<Item>> items;
  items.reserve(rows.size());
  for (const ItemRow& row : rows) {
    auto item = std::make_shared<Item>();
    item->name = row.name;
    item->label = row.label;
    item->quantity = row.quantity;
    item->price = row.price;
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<std::int64_t> ShuffledKeys(std::size_t count) {
  std::vector<std::int64_t> keys(count);
  std::iota(keys.begin(), keys.end(), 1);
  std::shuffle(keys.begin(), keys.end(), std::minstd_rand(1));
  return keys;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = std::filesystem::temp_directory_path() / "bench.XXXXXX";
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name + "/";
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

absl::StatusOr<std::shared_ptr<Engine>> MakeSqlite(const std::string& path) {
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine,
                         OpenEngine("sqlite:///" + path));
  SHARD_RETURN_IF_ERROR(CreateAll(*engine, {&Item::table()}));
  return engine;
}

std::shared_ptr<BindResolver> OneDatabase(std::shared_ptr<Engine> engine) {
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindDefault(std::move(engine));
  return resolver;
}

absl::Status Store(const std::shared_ptr<BindResolver>& resolver,
                   std::size_t count) {
  ShardedSession session(
      SessionOptions{.resolver = resolver, .two_phase = false});
  const auto items = MakeItems(MakeRows(count));
  for (std::size_t i = 0; i < count; ++i) {
    items[i]->id = static_cast<std::int64_t>(i + 1);
    SHARD_RETURN_IF_ERROR(session.Add(items[i]));
  }
  return session.Commit().status();
}

absl::StatusOr<std::shared_ptr<BindResolver>> StoredIn(const std::string& path,
                                                       std::size_t count) {
  SHARD_ASSIGN_OR_RETURN(auto engine, MakeSqlite(path));
  const auto resolver = OneDatabase(std::move(engine));
  SHARD_RETURN_IF_ERROR(Store(resolver, count));
  return resolver;
}

absl::StatusOr<std::shared_ptr<BindResolver>> HashedBy(
    const TemporaryFolder& folder, const sql::Column& key) {
  HorizontalOptions options;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kShards; ++i) {
    names.push_back(absl::StrCat("shard", i));
    SHARD_ASSIGN_OR_RETURN(auto engine,
                           MakeSqlite(folder.PathOf(names.back() + ".db")));
    options.shards.emplace_back(names.back(), std::move(engine));
  }
  SHARD_ASSIGN_OR_RETURN(auto hash, HashStrategy::Create(names));
  options.rules.push_back(ShardRule{{&key}, std::move(hash)});
  return HorizontalResolver::Create(std::move(options));
}

}  // namespace shard::bench
