// The examples of docs/, compiled and run.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "shard/base/testing.h"
#include "shard/dialects/schema.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/may_write.h"
#include "shard/router/placement.h"
#include "shard/router/session_history.h"
#include "shard/router/strategy_registry.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/csv_source.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/keys/id_blocks.h"
#include "shard/session/load.h"
#include "shard/session/open_topology.h"
#include "shard/session/session_listener.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/functions.h"

namespace docs {

enum class Color { kRed, kBlue };

}  // namespace docs

// [type]
template <>
struct shard::CustomType<docs::Color> {
  using Stored = std::string;
  static std::string ToStored(docs::Color color) {
    return color == docs::Color::kRed ? "red" : "blue";
  }
  static absl::StatusOr<docs::Color> FromStored(const std::string& stored) {
    if (stored == "red") return docs::Color::kRed;
    if (stored == "blue") return docs::Color::kBlue;
    return absl::InvalidArgumentError("not a color");
  }
};
// [/type]

namespace docs {

using shard::Count;
using shard::CountDistinct;
using shard::Desc;
using shard::Field;
using shard::In;
using shard::Like;
using shard::PrimaryKey;
using shard::Select;
using shard::ServerDefault;
using shard::ShardedSession;
using shard::Update;

// [fields]
template <class F>
struct CarFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "owner"> owner;
  Field<F, Color, "color"> color;
  Field<F, std::optional<std::string>, "note", ServerDefault<"'new'">> note;
  Field<F, std::int64_t, "km", shard::ClientDefault<0>> km;
};
struct Car : shard::Entity<Car, CarFields, "cars"> {};
// [/fields]

// [versions]
template <class F>
struct BookingFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "guest"> guest;
  Field<F, std::int64_t, "nights", ServerDefault<"1">> nights;
  Field<F, std::int32_t, "version", shard::Version> version;
};
struct Booking
    : shard::Entity<Booking, BookingFields, "bookings",
                    shard::EagerDefaults<shard::EagerDefaultsMode::kOn>> {};
// [/versions]

// By the range that a number falls into: below 1000, below 2000, the rest.
// [strategy]
// As many slots for each shard as its weight says.
class WeightedHash : public shard::ShardingStrategy {
 public:
  explicit WeightedHash(
      const std::vector<std::pair<std::string, std::size_t>>& weights) {
    for (const auto& [name, weight] : weights) {
      shards_.push_back(shard::ShardId::Of(name));
      parts_.insert(parts_.end(), weight, shards_.back());
    }
  }

  absl::StatusOr<shard::ShardId> ShardFor(
      absl::Span<const shard::sql::ValueView> key) const override {
    SHARD_ASSIGN_OR_RETURN(const std::size_t slot, shard::SlotOf(key));
    return parts_[slot * parts_.size() / shard::kSlotCount];
  }
  const std::vector<shard::ShardId>& shards() const override { return shards_; }

 private:
  std::vector<shard::ShardId> shards_;
  std::vector<shard::ShardId> parts_;
};
// [/strategy]

// [router]
class MasterWithReplicas : public shard::BindResolver {
 public:
  explicit MasterWithReplicas(
      std::vector<std::shared_ptr<shard::Engine>> engines)
      : engines_(std::move(engines)) {}

  absl::StatusOr<shard::Bind> Resolve(
      const shard::BindRequest& request) override {
    // A transaction that is on the master stays there: its replicas do not
    // show what it wrote.
    const bool stays = request.history != nullptr &&
                       request.history->With(*engines_[0]).in_transaction;
    if (stays || shard::MayWrite(request)) {
      return shard::Bind{engines_[0].get(), {}};
    }
    const std::size_t replica = 1 + turn_++ % (engines_.size() - 1);
    return shard::Bind{engines_[replica].get(), {}};
  }

 private:
  std::vector<std::shared_ptr<shard::Engine>> engines_;  // the master first
  std::atomic<std::size_t> turn_ = 0;  // resolvers are shared by threads
};
// [/router]

// [register]
absl::StatusOr<std::shared_ptr<const shard::ShardingStrategy>> MakeWeighted(
    const shard::StrategyConfig& config, const shard::StrategyContext&) {
  SHARD_ASSIGN_OR_RETURN(const auto member, config.Member("weights"));
  SHARD_ASSIGN_OR_RETURN(const auto shards, member.AsMap());
  std::vector<std::pair<std::string, std::size_t>> weights;
  for (const auto& [name, weight] : shards) {
    SHARD_ASSIGN_OR_RETURN(const std::int64_t parts, weight.AsInteger());
    if (parts < 1 || parts > 100) return weight.Error("must be 1 to 100");
    weights.emplace_back(name, static_cast<std::size_t>(parts));
  }
  if (weights.empty()) return member.Error("needs at least one shard");
  return std::make_shared<WeightedHash>(weights);
}

const bool registered = shard::RegisterStrategy("weighted", &MakeWeighted);
// [/register]

// [listener]
class SlowStatements : public shard::SessionListener {
 public:
  void OnStatement(std::string_view shard,
                   const shard::StatementEvent& event) override {
    if (event.elapsed < absl::Milliseconds(100)) return;
    std::cerr << shard << ": " << event.statement << "\n";
  }
};
// [/listener]

class SnippetsTest : public ::testing::Test {
 protected:
  std::shared_ptr<shard::Engine> MakeEngine(const std::string& name) {
    const std::string path = ::testing::TempDir() + "/snippets_" + name + ".db";
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path + suffix);
    }
    auto engine = shard::OpenEngine("sqlite:///" + path);
    EXPECT_THAT(engine, shard::testing::IsOk());
    EXPECT_THAT(shard::CreateAll(**engine, {&Car::table(), &Booking::table()}),
                shard::testing::IsOk());
    return *engine;
  }
};

absl::Status Versions(std::shared_ptr<shard::Engine> engine) {
  ShardedSession session(engine), other(engine);
  const auto booking = std::make_shared<Booking>();
  booking->guest = "Ada";
  SHARD_RETURN_IF_ERROR(session.Add(booking));
  SHARD_RETURN_IF_ERROR(session.Commit().status());
  EXPECT_EQ(booking->version.value(), 1);
  SHARD_RETURN_IF_ERROR(session.Commit().status());
  SHARD_ASSIGN_OR_RETURN(const auto same, other.Get<Booking>(1));
  same->nights = Booking::c.nights + 1;
  SHARD_RETURN_IF_ERROR(other.Flush());
  EXPECT_EQ(same->nights.value(), 2);
  EXPECT_EQ(same->version.value(), 2);
  return other.Commit().status();
}

absl::Status Tutorial(std::shared_ptr<shard::Engine> engine) {
  // [objects]
  ShardedSession session(engine);

  auto car = std::make_shared<Car>();
  car->owner = "Ada";
  car->color = Color::kRed;
  SHARD_RETURN_IF_ERROR(session.Add(car));
  SHARD_RETURN_IF_ERROR(session.Flush());  // INSERT; car->id is known now

  car->km = Car::c.km + 120;  // UPDATE ... SET km = km + 120
  SHARD_RETURN_IF_ERROR(session.Commit().status());
  std::int64_t km = car->km.value();  // read again: others may have driven
  // [/objects]
  EXPECT_EQ(km, 120);

  // [read]
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Car> same, session.Get<Car>(1));
  EXPECT_EQ(same, car);  // one object for each row

  constexpr auto& c = Car::c;
  SHARD_ASSIGN_OR_RETURN(
      std::vector<std::shared_ptr<Car>> cars,
      session.Scalars(Select<Car>()
                          .Where(c.km > 100 && Like(c.owner, "A%"))
                          .OrderBy(Desc(c.km), c.id)
                          .Limit(10)));
  // [/read]
  EXPECT_EQ(cars.size(), 1u);

  // [rows]
  SHARD_ASSIGN_OR_RETURN(std::vector<Car::Row> structs,
                         session.Rows(Select<Car>().Where(c.km > 100)));
  std::string owner_of_first = structs[0].owner;

  SHARD_ASSIGN_OR_RETURN(auto stream, session.Stream(Select<Car>()));
  while (true) {
    SHARD_ASSIGN_OR_RETURN(std::shared_ptr<Car> next, stream.Next());
    if (next == nullptr) break;
    next->km = next->km.value() + 1;
  }
  // [/rows]
  EXPECT_EQ(owner_of_first, "Ada");

  // [execute]
  SHARD_ASSIGN_OR_RETURN(
      shard::Result result,
      session.Execute(
          Select(c.owner, Count()).GroupBy(c.owner).OrderBy(c.owner)));
  SHARD_ASSIGN_OR_RETURN(std::vector<shard::Row> rows, result.All());
  SHARD_ASSIGN_OR_RETURN(std::int64_t count, rows[0].Get<std::int64_t>(1));
  // [/execute]
  EXPECT_EQ(count, 1);

  // [many]
  std::vector<shard::sql::Parameters> sets = {{{"id", 1}, {"km", 130}},
                                              {{"id", 2}, {"km", 40}}};
  SHARD_ASSIGN_OR_RETURN(
      shard::Result many,
      session.Execute("UPDATE cars SET km = :km WHERE id = :id", sets));
  std::int64_t changed = many.affected_rows();
  // [/many]
  EXPECT_EQ(changed, 1);

  // [bulk]
  std::vector<Car::Row> bought(2);
  bought[0].owner = "eve";
  bought[1].owner = "fay";
  SHARD_ASSIGN_OR_RETURN(
      shard::BulkReport put_in,
      session.BulkInsert<Car>(bought,
                              {.return_defaults = true, .number_keys = true}));
  std::int64_t first_id = put_in.keys[0].Views()[0].integer();

  std::vector<shard::sql::Parameters> changes = {
      {{"id", first_id}, {"km", 12}}};
  SHARD_RETURN_IF_ERROR(session.BulkUpdateMappings<Car>(changes).status());
  SHARD_RETURN_IF_ERROR(session.BulkDelete<Car>(changes).status());
  // [/bulk]
  EXPECT_EQ(put_in.inserted, 2);

  // [more]
  SHARD_RETURN_IF_ERROR(
      session.Execute(Update<Car>().Set(c.km = 0).Where(In(c.id, {1, 2})))
          .status());
  SHARD_ASSIGN_OR_RETURN(
      shard::Result text,
      session.Execute("SELECT owner FROM cars WHERE id = :id", {{"id", 1}}));
  SHARD_ASSIGN_OR_RETURN(std::string owner, text.Scalar<std::string>());
  // [/more]
  EXPECT_EQ(owner, "Ada");
  return session.Commit().status();
}

absl::Status LoadCars(const shard::SessionOptions& options,
                      const std::string& path) {
  // [load]
  SHARD_ASSIGN_OR_RETURN(auto file,
                         shard::CsvSource::Open(&Car::ClassMapping(), path));
  shard::LoadOptions how;
  how.name = "cars of May";
  how.on_refused = shard::OnRefusedRow::kSkip;
  how.on_progress = [](const shard::LoadProgress& progress) {
    std::cerr << progress.position.rows << " rows, "
              << progress.time_left.value_or(absl::InfiniteDuration())
              << " left\n";
    return absl::OkStatus();
  };
  SHARD_ASSIGN_OR_RETURN(shard::LoadReport report,
                         shard::Load(options, *file, how));
  for (const shard::RefusedLoadRow& row : report.refused_rows) {
    std::cerr << path << ", " << row.where << ": " << row.reason << "\n";
  }
  // [/load]
  EXPECT_EQ(report.inserted, 2u);
  EXPECT_EQ(report.refused_rows.size(), 1u);
  return absl::OkStatus();
}

absl::Status MakeKeys(shard::SessionOptions options,
                      std::shared_ptr<shard::Engine> keys) {
  // [keys]
  SHARD_ASSIGN_OR_RETURN(auto ids, shard::IdBlocks::Open(keys, "cars"));
  options.keys = {shard::GenerateKey(Car::c.id, ids)};
  ShardedSession session(options);
  auto car = std::make_shared<Car>();
  car->owner = "Gus", car->color = Color::kRed;
  SHARD_RETURN_IF_ERROR(session.Add(car));
  SHARD_RETURN_IF_ERROR(session.Flush());  // makes the id, then finds the shard
  std::int64_t id = car->id.value();
  SHARD_ASSIGN_OR_RETURN(shard::sql::Value another, ids->Next());  // by hand
  // [/keys]
  EXPECT_EQ(id, 1);
  EXPECT_EQ(another, shard::sql::Value(2));
  return absl::OkStatus();
}

TEST_F(SnippetsTest, Keys) {
  shard::SessionOptions options;
  auto resolver = std::make_shared<shard::VerticalResolver>();
  resolver->BindDefault(MakeEngine("with_keys"));
  options.resolver = resolver;
  SHARD_EXPECT_OK(MakeKeys(options, MakeEngine("keys")));
}

TEST_F(SnippetsTest, Load) {
  shard::SessionOptions options;
  auto resolver = std::make_shared<shard::VerticalResolver>();
  resolver->BindDefault(MakeEngine("load"));
  options.resolver = resolver;
  const std::string path = ::testing::TempDir() + "/cars.csv";
  std::ofstream(path)
      << "owner,km,color\nAda,1,red\nBob,many,red\nCem,3,blue\n";
  SHARD_EXPECT_OK(LoadCars(options, path));
}

TEST_F(SnippetsTest, Versions) {
  SHARD_EXPECT_OK(Versions(MakeEngine("versions")));
}

TEST_F(SnippetsTest, Tutorial) {
  SHARD_EXPECT_OK(Tutorial(MakeEngine("tutorial")));
}

absl::Status FromAFile(const std::string& path) {
  // [open_topology]
  SHARD_ASSIGN_OR_RETURN(
      const auto cars,
      shard::OpenTopology(path, {.classes = shard::Classes<Car, Booking>()}));
  ShardedSession session = cars->NewSession();
  // [/open_topology]
  return session.Scalars(Select<Car>()).status();
}

TEST_F(SnippetsTest, TopologyFile) {
  const std::string url = "sqlite:///" + ::testing::TempDir() + "/topology.db";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, shard::OpenEngine(url));
  SHARD_ASSERT_OK(shard::CreateAll(*engine, {&Car::table()}));
  const std::string path = ::testing::TempDir() + "/topology.json";
  std::ofstream(path) << R"({"databases": {"cars": ")" << url << R"("}})";
  SHARD_EXPECT_OK(FromAFile(path));
}

TEST_F(SnippetsTest, Listener) {
  shard::SessionOptions options;
  auto resolver = std::make_shared<shard::VerticalResolver>();
  resolver->BindDefault(MakeEngine("listener"));
  options.resolver = resolver;
  options.listeners = {std::make_shared<SlowStatements>()};
  ShardedSession session(std::move(options));
  SHARD_EXPECT_OK(session.Scalars(Select<Car>()));
}

TEST_F(SnippetsTest, OwnRouter) {
  const auto master = MakeEngine("master"), replica = MakeEngine("replica");
  ShardedSession session({.resolver = std::make_shared<MasterWithReplicas>(
                              std::vector{master, replica})});
  auto car = std::make_shared<Car>();
  car->owner = "Bob";
  car->color = Color::kBlue;
  SHARD_ASSERT_OK(session.Add(car));
  EXPECT_EQ(session.Scalars(Select<Car>()).value().size(), 1u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(session.Scalars(Select<Car>()).value().size(), 0u);
}

TEST_F(SnippetsTest, OwnStrategy) {
  ASSERT_TRUE(registered);
  auto small = MakeEngine("small"), large = MakeEngine("large");
  // {"strategy": "weighted", "weights": {"small": 1, "large": 3}}
  using Config = shard::ConfigValue;
  const Config config{
      Config::Map{{"strategy", {std::string("weighted"), 1}},
                  {"weights",
                   {Config::Map{{"small", {std::int64_t{1}, 1}},
                                {"large", {std::int64_t{3}, 1}}},
                    1}}}};
  // [use_strategy]
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto weighted,
      shard::MakeStrategy(shard::StrategyConfig(config, "routers.cars")));
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto resolver, shard::HorizontalResolver::Create(
                         {.shards = {{"small", small}, {"large", large}},
                          .rules = {ShardBy(Car::c.id, weighted)}}));
  // [/use_strategy]
  ShardedSession session({.resolver = resolver, .two_phase = false});
  for (const std::int64_t id : {1, 2, 42}) {
    auto car = std::make_shared<Car>();
    car->id = id;
    car->owner = "Bob";
    car->color = Color::kBlue;
    SHARD_ASSERT_OK(session.Add(car));
  }
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(auto car, session.Get<Car>(1));
  ASSERT_NE(car, nullptr);
  EXPECT_EQ(car->shard().name(), "large");  // slot 2564
  EXPECT_EQ(car->color.value(), Color::kBlue);
}

}  // namespace docs
