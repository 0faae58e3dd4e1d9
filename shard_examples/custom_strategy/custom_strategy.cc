// A strategy from outside of the library, taken by its name.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/strategy_registry.h"
#include "shard/router/topology.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

namespace custom_strategy {

template <class F>
struct WordFields {
  shard::Field<F, std::string, "word", shard::PrimaryKey> word;
  shard::Field<F, std::int64_t, "seen"> seen;
};
struct Word : shard::Entity<Word, WordFields, "words"> {};

// What a file of configuration would say.
shard::ConfigValue Configuration() {
  using Value = shard::ConfigValue;
  return {.value = Value::Map{
              {"strategy", {.value = std::string("first_letter")}},
              {"shards",
               {.value = Value::List{{.value = std::string("low")},
                                     {.value = std::string("high")}}}},
              {"lasts", {.value = std::string("m")}}}};
}

absl::Status Run(const std::string& folder) {
  shard::HorizontalOptions horizontal;
  for (const char* name : {"low", "high"}) {
    SHARD_ASSIGN_OR_RETURN(
        auto engine,
        shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db"));
    SHARD_RETURN_IF_ERROR(shard::CreateAll(*engine, {&Word::table()}));
    horizontal.shards.emplace_back(name, engine);
  }
  const shard::ConfigValue configuration = Configuration();
  SHARD_ASSIGN_OR_RETURN(
      auto strategy,
      shard::MakeStrategy(shard::StrategyConfig(configuration, "words")));
  horizontal.rules = {shard::ShardBy({&Word::c.word.column()}, strategy)};
  SHARD_ASSIGN_OR_RETURN(
      auto topology, shard::Topology::Open(
                         {.cluster = "words", .databases = horizontal.shards}));
  SHARD_ASSIGN_OR_RETURN(auto resolver,
                         shard::HorizontalResolver::Create(horizontal));
  shard::ShardedSession session({.resolver = resolver, .topology = topology});

  for (const char* text : {"zebra", "apple", "mango", "night"}) {
    auto word = std::make_shared<Word>();
    word->word = text;
    word->seen = 1;
    SHARD_RETURN_IF_ERROR(session.Add(word));
  }
  SHARD_RETURN_IF_ERROR(session.Commit().status());
  SHARD_ASSIGN_OR_RETURN(
      const auto words,
      session.Scalars(shard::Select<Word>().OrderBy(Word::c.word)));
  for (const auto& word : words) {
    std::cout << word->word.value() << " is on " << word->shard().name()
              << "\n";
  }
  auto number = std::make_shared<Word>();
  number->word = "42";
  number->seen = 1;
  SHARD_RETURN_IF_ERROR(session.Add(number));
  std::cout << "refused: " << session.Flush().message() << "\n";
  return absl::OkStatus();
}

}  // namespace custom_strategy

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = custom_strategy::Run(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
