// Custom partitioning: rules of one's own, and replicas that share the reads.
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/replica_set.h"
#include "shard/router/rule_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

// [readme]
template <class F>
struct PageFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::string, "title"> title;
};
struct Page : shard::Entity<Page, PageFields, "pages"> {};

template <class F>
struct InvoiceFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "amount"> amount;
};
struct Invoice : shard::Entity<Invoice, InvoiceFields, "invoices"> {};

absl::Status Custom(const std::string& folder) {
  std::map<std::string, std::shared_ptr<shard::Engine>> engines;
  for (const char* name : {"primary", "other", "replica1", "replica2"}) {
    SHARD_ASSIGN_OR_RETURN(
        engines[name],
        shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db"));
    SHARD_RETURN_IF_ERROR(
        shard::CreateAll(*engines[name], {&Page::table(), &Invoice::table()}));
  }
  SHARD_ASSIGN_OR_RETURN(
      auto replicas,
      shard::ReplicaSet::Create(
          {.primary = engines["primary"],
           .replicas = {{engines["replica1"]}, {engines["replica2"]}},
           .balance = shard::Balance::kRandom}));
  auto rules = std::make_shared<shard::RuleResolver>();
  rules->When(shard::ClassIs<Invoice>(), engines["other"])
      .When(shard::Writes(), engines["primary"])
      .Otherwise(replicas);

  shard::ShardedSession session({.resolver = rules});
  auto page = std::make_shared<Page>();
  page->title = "Hello";
  SHARD_RETURN_IF_ERROR(session.Add(page));
  SHARD_RETURN_IF_ERROR(session.Commit().status());  // to the primary
  SHARD_ASSIGN_OR_RETURN(
      auto pages, session.Scalars(shard::Select<Page>()));  // from a replica
  std::cout << "wrote page " << page->id.value() << "; replicas have "
            << pages.size() << "\n";  // nobody replicates these files
  SHARD_RETURN_IF_ERROR(session.Commit().status());

  auto invoice = std::make_shared<Invoice>();
  invoice->amount = 30;
  SHARD_RETURN_IF_ERROR(session.Add(invoice));
  SHARD_ASSIGN_OR_RETURN(auto done, session.Commit());
  std::cout << "invoice of " << invoice->amount.value() << " "
            << done.ToString() << "\n";
  return absl::OkStatus();
}
// [/readme]

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = Custom(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
