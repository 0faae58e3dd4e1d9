// Custom partitioning: writes go to a master, reads to replicas at random.
#include <iostream>
#include <memory>
#include <random>

#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

// [readme]
class MasterWithReplicas : public shard::BindResolver {
 public:
  explicit MasterWithReplicas(
      std::vector<std::shared_ptr<shard::Engine>> engines)
      : engines_(std::move(engines)) {}

  absl::StatusOr<shard::Bind> Resolve(
      const shard::BindRequest& request) override {
    thread_local std::minstd_rand random;  // resolvers are shared by threads
    const bool read = request.operation == shard::Operation::kRead;
    const std::size_t replica = 1 + random() % (engines_.size() - 1);
    return shard::Bind{engines_[read ? replica : 0].get(), {}};
  }

 private:
  std::vector<std::shared_ptr<shard::Engine>> engines_;  // the master first
};

template <class F>
struct PageFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::string, "title"> title;
};
struct Page : shard::Entity<Page, PageFields, "pages"> {};

absl::Status Custom(const std::string& folder) {
  std::vector<std::shared_ptr<shard::Engine>> engines;
  for (const char* name : {"master", "replica1", "replica2"}) {
    SHARD_ASSIGN_OR_RETURN(
        engines.emplace_back(),
        shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db"));
    SHARD_RETURN_IF_ERROR(shard::CreateAll(*engines.back(), {&Page::table()}));
  }
  auto resolver = std::make_shared<MasterWithReplicas>(engines);
  shard::ShardedSession session({.resolver = resolver});
  auto page = std::make_shared<Page>();
  page->title = "Hello";
  SHARD_RETURN_IF_ERROR(session.Add(page));
  SHARD_RETURN_IF_ERROR(session.Commit().status());  // to the master
  SHARD_ASSIGN_OR_RETURN(
      auto pages, session.Scalars(shard::Select<Page>()));  // from a replica
  std::cout << "wrote page " << page->id.value() << "; replicas have "
            << pages.size() << "\n";
  return absl::OkStatus();
}
// [/readme]

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = Custom(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
