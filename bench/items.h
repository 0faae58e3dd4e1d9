// The data of the comparisons: one class, and rows that both sides start from.
#ifndef SHARD_BENCH_ITEMS_H_
#define SHARD_BENCH_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/entity.h"
#include "shard/sql/statement.h"

namespace shard::bench {

template <class F>
struct ItemFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "name"> name;
  Field<F, std::string, "label"> label;
  Field<F, std::int64_t, "quantity"> quantity;
  Field<F, double, "price"> price;
};
struct Item : Entity<Item, ItemFields, "bench_items"> {};

// An Item as a hand-written program has it.
struct ItemRow {
  std::int64_t id = 0;
  std::string name;
  std::string label;
  std::int64_t quantity = 0;
  double price = 0;
};

// Row i of the data; `id` is 0, since the database makes it.
ItemRow MakeRow(std::size_t i);
std::vector<ItemRow> MakeRows(std::size_t count);
// The same rows as the library's structs, and as columns by name without a key.
std::vector<Item::Row> MakeStructs(std::size_t count);
std::vector<sql::Parameters> MakeMappings(std::size_t count);
// The same rows as objects, not yet in a session.
std::vector<std::shared_ptr<Item>> MakeItems(const std::vector<ItemRow>& rows);

// Numbers 1 to `count` in an order that is the same in every run.
std::vector<std::int64_t> ShuffledKeys(std::size_t count);

inline constexpr std::size_t kShards = 4;

// A folder of its own for files, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string PathOf(const std::string& name) const { return path_ + name; }

 private:
  std::string path_;
};

// A new SQLite file with an empty table of items.
absl::StatusOr<std::shared_ptr<Engine>> MakeSqlite(const std::string& path);

// A router over one engine.
std::shared_ptr<BindResolver> OneDatabase(std::shared_ptr<Engine> engine);
// Stores rows with the keys 1 to `count`.
absl::Status Store(const std::shared_ptr<BindResolver>& resolver,
                   std::size_t count);
// A router over a new SQLite file with so many rows.
absl::StatusOr<std::shared_ptr<BindResolver>> StoredIn(const std::string& path,
                                                       std::size_t count);
// A router over kShards new files, by hash of `key`.
absl::StatusOr<std::shared_ptr<BindResolver>> HashedBy(
    const TemporaryFolder& folder, const sql::Column& key);

}  // namespace shard::bench

#endif  // SHARD_BENCH_ITEMS_H_
